import { existsSync } from 'node:fs'
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
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = loadConfig(process.env)
  // Developers' machines often have a proxy or an authority of their company, of which the fetch takes no notice.
  if (config.environment === 'production') refuseDangerousEnvironment(process.env, process.execArgv)
  const dataDirectory = resolve(config.dataDirectory)
  const standalone = await startStandalone({ ...config, dataDirectory }, tell)
  tell(welcome({ ...standalone, tenant: config.tenant }))
  return standalone
})
