import { commonEnvironment, count, milliseconds, parseEnvironment, portVariable } from '@cimd/runtime'
import { z } from 'zod'

/** The environment of the api; the reference in docs/configuration.md is made from it. */
export const apiEnvironment = z.object({
  ...commonEnvironment,
  CIMD_API_PORT: portVariable(8080),
  CIMD_API_DATABASE_CONNECTIONS: count().default(10).describe('Database connections of one api process.'),
  CIMD_WAIT_MS_MAX: milliseconds().default(30_000).describe('The longest a request may wait for an answer.'),
})

export type ApiConfig = ReturnType<typeof loadConfig>

/** The api's configuration. Throws `ConfigError`. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>) {
  const env = parseEnvironment(apiEnvironment, environment)
  return {
    environment: env.CIMD_ENV,
    databaseUrl: env.CIMD_DATABASE_URL,
    databaseConnections: env.CIMD_API_DATABASE_CONNECTIONS,
    queueUrl: env.CIMD_QUEUE_URL,
    logLevel: env.CIMD_LOG_LEVEL,
    shutdownGraceMs: env.CIMD_SHUTDOWN_GRACE_MS,
    listen: { host: env.CIMD_HOST, port: env.CIMD_API_PORT },
    waitMsMax: env.CIMD_WAIT_MS_MAX,
  }
}
