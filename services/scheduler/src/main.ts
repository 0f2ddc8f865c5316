import { runService } from '@cimd/runtime'
import { loadConfig } from './config.ts'
import { startScheduler } from './start-scheduler.ts'

await runService(async () => startScheduler(loadConfig(process.env)))
