import { fileURLToPath } from 'node:url'
import { loadConfig, startFetcher } from '@cimd/fetcher'
import { runService } from '@cimd/runtime'
import { injectedFrom } from '../origin.ts'
import { reportStarted } from './report.ts'

// The one difference from the service's own main.ts: the network is the test's (see NetworkPlan in pipeline.ts), also in the
// processes that the fetcher starts.
const { CIMD_TEST_NETWORK = 'null', NODE_OPTIONS = '' } = process.env
const isolated = {
  script: fileURLToPath(new URL('fetcher-isolated.ts', import.meta.url)),
  environment: { CIMD_TEST_NETWORK, NODE_OPTIONS },
}

await runService(async () => {
  const plan = JSON.parse(CIMD_TEST_NETWORK)
  const network = { ...injectedFrom(plan), ...(plan.isolates !== false && { isolated }) }
  const fetcher = await startFetcher(loadConfig(process.env), network)
  reportStarted(undefined)
  return fetcher
})
