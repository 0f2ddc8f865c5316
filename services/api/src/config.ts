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
  tenantFetchesVariable,
} from '@cimd/runtime'
import { z } from 'zod'

/** What one tenant may use of us. The quotas hold where none of its own is set: `cimd tenant quotas`. */
const tenantEnvironment = {
  CIMD_TENANT_FETCHES_MAX: tenantFetchesVariable(),
  CIMD_TENANT_IN_LINE_MAX: count()
    .default(10_000)
    .describe('First contacts of one tenant that may wait in line; more are refused, with 429.'),
  CIMD_TENANT_CONTACTS_PER_HOUR: count()
    .default(10_000)
    .describe('Clients that one tenant may use for the first time in an hour.'),
  CIMD_SUBJECT_CONTACTS_PER_HOUR: count()
    .default(100)
    .describe('The same on behalf of one subject of the tenant.'),
  CIMD_TENANT_DEMANDS_WITHOUT_SUBJECT_PER_HOUR: count()
    .default(60)
    .describe('Demands in an hour by keys of one tenant that need name no subject.'),
  CIMD_TENANT_RESOLVES_PER_SECOND: count()
    .default(1000)
    .describe('Resolutions for one tenant in a second, by one api process.'),
}

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
  ...tenantEnvironment,
  CIMD_EVENT_SOURCE: eventSourceVariable(),
  CIMD_EVENT_STREAMS_PER_TENANT_MAX: count()
    .default(20)
    .describe('Streams of events that one tenant may have open at one api process.'),
  CIMD_OPERATOR_ROUTES: switchVariable().describe(
    'Serve `/v1/operator/…` to keys of operators: tenants, and their keys. The database login of the api must be a member of `cimd_operator` then.',
  ),
  CIMD_FLEET_REPUTATION: switchVariable().describe(
    'Share between tenants how many users a client and its domain have over all of them. Counts alone, without the name of a tenant; still each tenant then learns that others use a client. Counting begins when it is turned on.',
  ),
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
    operatorRoutes: env.CIMD_OPERATOR_ROUTES,
    subscriptionsPerTenantMax: env.CIMD_SUBSCRIPTIONS_PER_TENANT_MAX,
    publicRefresh: { enabled: env.CIMD_PUBLIC_REFRESH, perMinute: env.CIMD_PUBLIC_REFRESHES_PER_MINUTE },
    fleetReputation: env.CIMD_FLEET_REPUTATION,
    overload: {
      waitSeconds: env.CIMD_OVERLOAD_WAIT_SECONDS,
      silenceSeconds: env.CIMD_OVERLOAD_SILENCE_SECONDS,
      admittedMin: env.CIMD_OVERLOAD_ADMITTED_MIN,
      inLineMax: env.CIMD_TENANT_IN_LINE_MAX,
    },
    placesMax: env.CIMD_TENANT_FETCHES_MAX,
    quotas: {
      clients: env.CIMD_CLIENTS_PER_TENANT_MAX,
      contacts_per_hour: env.CIMD_TENANT_CONTACTS_PER_HOUR,
      subject_contacts_per_hour: env.CIMD_SUBJECT_CONTACTS_PER_HOUR,
      demands_without_subject_per_hour: env.CIMD_TENANT_DEMANDS_WITHOUT_SUBJECT_PER_HOUR,
      resolves_per_second: env.CIMD_TENANT_RESOLVES_PER_SECOND,
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
