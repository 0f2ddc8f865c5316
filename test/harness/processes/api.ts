import { loadConfig, startApi } from '@cimd/api'
import { runService } from '@cimd/runtime'
import { reportStarted } from './report.ts'

await runService(async () => {
  const api = await startApi(loadConfig(process.env))
  reportStarted(api.port)
  return api
})
