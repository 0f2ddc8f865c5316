import {
  ADVERTISE_DOMAINS_MAX,
  type AdvertiseThresholds,
  DEFAULT_ADVERTISE_THRESHOLDS,
  DEFAULT_BRAKE_THRESHOLDS,
} from '@cimd/core'
import {
  commonEnvironment,
  count,
  milliseconds,
  parseEnvironment,
  portVariable,
  tenantFetchesVariable,
} from '@cimd/runtime'
import { z } from 'zod'

const SECOND_MS = 1000

/** What it takes to tell authorization servers whether they may advertise (SRV-04). */
const advertiseEnvironment = {
  CIMD_ADVERTISE_HOLD_MS: milliseconds()
    .default(DEFAULT_ADVERTISE_THRESHOLDS.holdSeconds * SECOND_MS)
    .describe(
      'How long the way to publishers must be found broken, without a break, before authorization servers are told not to advertise (SRV-04).',
    ),
  CIMD_ADVERTISE_QUIET_MS: milliseconds()
    .default(DEFAULT_ADVERTISE_THRESHOLDS.quietSeconds * SECOND_MS)
    .describe('How long nothing must be found before they are told to advertise again.'),
  CIMD_ADVERTISE_FETCHER_SILENCE_MS: milliseconds()
    .default(DEFAULT_ADVERTISE_THRESHOLDS.fetcherSilenceSeconds * SECOND_MS)
    .describe(
      'How long no fetcher must have given a sign of life, which each does every 2 seconds, to count as gone.',
    ),
  CIMD_ADVERTISE_WAIT_MS: milliseconds()
    .default(DEFAULT_ADVERTISE_THRESHOLDS.waitSeconds * SECOND_MS)
    .describe('How long a demand that a user waits for may go without being taken up.'),
  CIMD_ADVERTISE_DOMAINS_MIN: count(ADVERTISE_DOMAINS_MAX)
    .default(DEFAULT_ADVERTISE_THRESHOLDS.domainsMin)
    .describe('On how many registrable domains the way out must fail at least to count as broken.'),
  CIMD_ADVERTISE_BROKEN_PERCENT: count(100)
    .default(DEFAULT_ADVERTISE_THRESHOLDS.brokenShare * 100)
    .describe('Percent of the registrable domains tried last on which it must fail for that.'),
}

/** The environment of the scheduler; the reference in docs/configuration.md is made from it. */
export const schedulerEnvironment = z.object({
  ...commonEnvironment,
  CIMD_SCHEDULER_HEALTH_PORT: portVariable(8082),
  CIMD_SWEEP_INTERVAL_MS: milliseconds().default(500).describe('How often due and lost work is looked for.'),
  CIMD_TENANT_FETCHES_MAX: tenantFetchesVariable(),
  CIMD_RELAY_INTERVAL_MS: milliseconds()
    .default(1000)
    .describe('How often waiting events are looked for when no notification came.'),
  CIMD_AUDIT_INTERVAL_MS: milliseconds()
    .default(1000)
    .describe('How often audit entries are given their places in the chain.'),
  CIMD_AUDIT_RETENTION_DAYS: count(36_500)
    .optional()
    .describe('Days after which audit entries are cut from the beginning of a chain; unset: all are kept.'),
  CIMD_REFRESH_QUEUE_MAX: count()
    .default(1000)
    .describe('Refreshes that may wait in the queue; more stay due in the store.'),
  CIMD_HOST_REFRESHES_PER_MINUTE: count()
    .default(300)
    .describe('Refreshes per minute that are begun for one host, over all schedulers (FET-23).'),
  CIMD_VERSIONS_KEPT: count()
    .default(20)
    .describe('Newest versions of a client that are kept; what is bound or approved is kept beside them.'),
  CIMD_VERSION_DAYS: count()
    .default(90)
    .describe('Days for which a version is kept after another has replaced it.'),
  CIMD_ATTEMPT_DAYS: count().default(90).describe('Days for which attempts are kept; the newest always is.'),
  CIMD_REVALIDATIONS_PER_SECOND: count()
    .default(200)
    .describe(
      'Stored documents that one scheduler judges by new rules each second, once these are approved (CAC-12).',
    ),
  CIMD_BRAKE_SHARE_PERCENT: count(100)
    .default(DEFAULT_BRAKE_THRESHOLDS.share * 100)
    .describe('Percent of the clients in use that must end within an hour for the brake to be engaged.'),
  CIMD_BRAKE_CLIENTS_MIN: count()
    .default(DEFAULT_BRAKE_THRESHOLDS.clientsMin)
    .describe('How many must end for that at least, however few there are.'),
  ...advertiseEnvironment,
})

export type SchedulerConfig = ReturnType<typeof loadConfig>

/** The scheduler's configuration. Throws `ConfigError`. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>) {
  const env = parseEnvironment(schedulerEnvironment, environment)
  return {
    environment: env.CIMD_ENV,
    databaseUrl: env.CIMD_DATABASE_URL,
    queueUrl: env.CIMD_QUEUE_URL,
    logLevel: env.CIMD_LOG_LEVEL,
    shutdownGraceMs: env.CIMD_SHUTDOWN_GRACE_MS,
    health: { host: env.CIMD_HOST, port: env.CIMD_SCHEDULER_HEALTH_PORT },
    sweepIntervalMs: env.CIMD_SWEEP_INTERVAL_MS,
    relayIntervalMs: env.CIMD_RELAY_INTERVAL_MS,
    auditIntervalMs: env.CIMD_AUDIT_INTERVAL_MS,
    auditRetentionDays: env.CIMD_AUDIT_RETENTION_DAYS,
    tenantFetchesMax: env.CIMD_TENANT_FETCHES_MAX,
    refreshQueueMax: env.CIMD_REFRESH_QUEUE_MAX,
    hostRefreshesPerMinute: env.CIMD_HOST_REFRESHES_PER_MINUTE,
    retention: {
      versionsKept: env.CIMD_VERSIONS_KEPT,
      versionDays: env.CIMD_VERSION_DAYS,
      attemptDays: env.CIMD_ATTEMPT_DAYS,
    },
    revalidationsPerSecond: env.CIMD_REVALIDATIONS_PER_SECOND,
    brake: { share: env.CIMD_BRAKE_SHARE_PERCENT / 100, clientsMin: env.CIMD_BRAKE_CLIENTS_MIN },
    advertise: advertiseFrom(env),
  }
}

function advertiseFrom(env: z.output<z.ZodObject<typeof advertiseEnvironment>>): AdvertiseThresholds {
  return {
    fetcherSilenceSeconds: env.CIMD_ADVERTISE_FETCHER_SILENCE_MS / SECOND_MS,
    waitSeconds: env.CIMD_ADVERTISE_WAIT_MS / SECOND_MS,
    domainsMin: env.CIMD_ADVERTISE_DOMAINS_MIN,
    brokenShare: env.CIMD_ADVERTISE_BROKEN_PERCENT / 100,
    holdSeconds: env.CIMD_ADVERTISE_HOLD_MS / SECOND_MS,
    quietSeconds: env.CIMD_ADVERTISE_QUIET_MS / SECOND_MS,
  }
}
