import { runService } from '@cimd/runtime'
import { loadConfig } from './config.ts'
import { refuseDangerousEnvironment, startFetcher } from './start-fetcher.ts'

await runService(async () => {
  refuseDangerousEnvironment(process.env)
  return startFetcher(loadConfig(process.env))
})
