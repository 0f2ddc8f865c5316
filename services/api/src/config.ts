import { DEFAULT_OVERLOAD_THRESHOLDS, OVERLOAD_LATELY_SECONDS } from '@cimd/core'
import {
  commonEnvironment,
  count,
  eventSourceVariable,
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
    'Ports that a client_id, jwks_uri or logo_uri may name, separated by commas; the same for api and fetcher (CID-09).',
  ),
  CIMD_ALLOW_NON_CANONICAL_CLIENT_IDS: switchVariable().describe(
    'Take capitals in scheme and host, and an explicit :443; each spelling is then a client of its own (CID-12).',
  ),
  CIMD_CLIENTS_PER_DOMAIN_MAX: count()
    .default(10_000)
    .describe('Clients of one registrable domain that are known at most, over all tenants (CAC-19).'),
  CIMD_CLIENTS_PER_TENANT_MAX: count()
    .default(100_000)
    .describe('Clients that one tenant uses at most (CAC-19).'),
  CIMD_EVENT_SOURCE: eventSourceVariable(),
  CIMD_EVENT_STREAMS_PER_TENANT_MAX: count()
    .default(20)
    .describe('Streams of events that one tenant may have open at one api process.'),
  CIMD_OVERLOAD_WAIT_SECONDS: count(3600)
    .default(DEFAULT_OVERLOAD_THRESHOLDS.waitSeconds)
    .describe(
      'How long a first contact may be expected to wait for a fetcher; beyond that it is refused at once, with 503.',
    ),
  // Of what came before the last minute nobody is counted.
  CIMD_OVERLOAD_SILENCE_SECONDS: count(OVERLOAD_LATELY_SECONDS - 10)
    .default(DEFAULT_OVERLOAD_THRESHOLDS.silenceSeconds)
    .describe('The same while none is answered: how long that may last while some wait.'),
  CIMD_OVERLOAD_ADMITTED_MIN: count()
    .default(DEFAULT_OVERLOAD_THRESHOLDS.admittedMin)
    .describe(
      'How many first contacts of the last minute may wait in any case, which shows when it is over.',
    ),
  CIMD_PUBLIC_REFRESH: switchVariable('true').describe(
    'Let anybody hasten, by POST /refresh, the refresh of a document that is in use.',
  ),
  CIMD_PUBLIC_REFRESHES_PER_MINUTE: count()
    .default(120)
    .describe(
      'How many of those one api process takes at most; of one address a tenth, and a proxy before the api is one address. The others change nothing.',
    ),
  CIMD_SUBSCRIPTIONS_PER_TENANT_MAX: count()
    .default(20)
    .describe('Subscriptions that one tenant may make by the api.'),
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
    eventSource: env.CIMD_EVENT_SOURCE,
    eventStreamsPerTenantMax: env.CIMD_EVENT_STREAMS_PER_TENANT_MAX,
    subscriptionsPerTenantMax: env.CIMD_SUBSCRIPTIONS_PER_TENANT_MAX,
    publicRefresh: { enabled: env.CIMD_PUBLIC_REFRESH, perMinute: env.CIMD_PUBLIC_REFRESHES_PER_MINUTE },
    overload: {
      waitSeconds: env.CIMD_OVERLOAD_WAIT_SECONDS,
      silenceSeconds: env.CIMD_OVERLOAD_SILENCE_SECONDS,
      admittedMin: env.CIMD_OVERLOAD_ADMITTED_MIN,
    },
    clientLimits: {
      perDomainMax: env.CIMD_CLIENTS_PER_DOMAIN_MAX,
      perTenantMax: env.CIMD_CLIENTS_PER_TENANT_MAX,
    },
    identifiers: {
      allowedPorts: env.CIMD_CLIENT_ID_PORTS,
      allowNonCanonical: env.CIMD_ALLOW_NON_CANONICAL_CLIENT_IDS,
    },
  }
}
