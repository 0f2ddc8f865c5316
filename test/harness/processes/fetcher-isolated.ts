import { serveIsolated } from '@cimd/fetcher'
import { injectedFrom } from '../origin.ts'

// As services/fetcher/src/main-isolated.ts, but for the network.
serveIsolated(injectedFrom(JSON.parse(process.env['CIMD_TEST_NETWORK'] ?? 'null')))
