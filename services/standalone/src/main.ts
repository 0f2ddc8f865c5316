import { resolve } from 'node:path'
import { refuseDangerousEnvironment } from '@cimd/fetcher'
import { runService } from '@cimd/runtime'
import { loadConfig } from './config.ts'
import { startStandalone } from './start-standalone.ts'
import { welcome } from './welcome.ts'

const tell = (message: string): void => {
  process.stdout.write(`${message}\n`)
}

await runService(async () => {
  // Warnings only, unless asked for more: the terminal is for the person in front of it.
  const environment = { CIMD_LOG_LEVEL: 'warn', ...process.env }
  const config = loadConfig(environment)
  if (config.environment === 'production') refuseDangerousEnvironment(environment)
  const standalone = await startStandalone({ ...config, dataDirectory: resolve(config.dataDirectory) }, tell)
  tell(welcome({ ...standalone, tenant: config.tenant }))
  return standalone
})
