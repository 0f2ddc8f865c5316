import { loadConfig, startNotifier } from '@cimd/notifier'
import { runService } from '@cimd/runtime'
import { injectedFrom } from '../origin.ts'
import { reportStarted } from './report.ts'

// The one difference from the service's own main.ts: the network is the test's (see NetworkPlan in pipeline.ts).
const network = injectedFrom(JSON.parse(process.env['CIMD_TEST_NETWORK'] ?? 'null'))

await runService(async () => {
  const notifier = await startNotifier(loadConfig(process.env), network)
  reportStarted(undefined)
  return notifier
})
