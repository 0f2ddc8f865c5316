import {
  commonEnvironment,
  count,
  milliseconds,
  parseEnvironment,
  portsVariable,
  portVariable,
  switchVariable,
} from '@cimd/runtime'
import { z } from 'zod'

/** The environment of the api; the reference in docs/configuration.md is made from it. */
export const apiEnvironment = z.object({
  ...commonEnvironment,
  CIMD_API_PORT: portVariable(8080),
  CIMD_API_DATABASE_CONNECTIONS: count().default(10).describe('Database connections of one api process.'),
  CIMD_CLIENT_ID_PORTS: portsVariable('443').describe(
    'Ports that a client_id may name, separated by commas; the fetchers must be able to reach them (CID-09).',
  ),
  CIMD_ALLOW_NON_CANONICAL_CLIENT_IDS: switchVariable().describe(
    'Take capitals in scheme and host, and an explicit :443; each spelling is then a client of its own (CID-12).',
  ),
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
    identifiers: {
      allowedPorts: env.CIMD_CLIENT_ID_PORTS,
      allowNonCanonical: env.CIMD_ALLOW_NON_CANONICAL_CLIENT_IDS,
    },
  }
}
