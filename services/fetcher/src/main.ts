import { runService } from '@cimd/runtime'
import { loadConfig } from './config.ts'
import { refuseDangerousEnvironment } from './refuse-environment.ts'
import { startFetcher } from './start-fetcher.ts'

await runService(async () => {
  refuseDangerousEnvironment(process.env, process.execArgv)
  return startFetcher(loadConfig(process.env))
})
