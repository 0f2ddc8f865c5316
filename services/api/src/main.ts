import { runService } from '@cimd/runtime'
import { loadConfig } from './config.ts'
import { startApi } from './start-api.ts'

await runService(async () => startApi(loadConfig(process.env)))
