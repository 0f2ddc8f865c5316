import { dangerousEnvironment } from '@cimd/egress'
import { refuseVariables, runService } from '@cimd/runtime'
import { loadConfig } from './config.ts'
import { startNotifier } from './start-notifier.ts'

await runService(async () => {
  refuseVariables(
    dangerousEnvironment(process.env, process.execArgv),
    'leave it out, the notifier decides on TLS, DNS and proxies itself',
  )
  return startNotifier(loadConfig(process.env))
})
