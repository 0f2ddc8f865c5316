import { runService } from '@cimd/runtime'
import { loadConfig, startScheduler } from '@cimd/scheduler'
import { reportStarted } from './report.ts'

await runService(async () => {
  const scheduler = await startScheduler(loadConfig(process.env))
  reportStarted(undefined)
  return scheduler
})
