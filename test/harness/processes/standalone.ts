import { runService } from '@cimd/runtime'
import { loadConfig, startStandalone } from '@cimd/standalone'
import { injectedFrom } from '../origin.ts'

// As services/standalone/src/main.ts, but for the network, and for telling the parent instead of a person.
const network = injectedFrom(JSON.parse(process.env['CIMD_TEST_NETWORK'] ?? 'null'))

await runService(async () => {
  const standalone = await startStandalone(loadConfig(process.env), () => {}, network)
  const { apiUrl, apiKey } = standalone
  process.send?.({ apiUrl, apiKey }, () => process.disconnect?.())
  return standalone
})
