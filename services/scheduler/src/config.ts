import { commonEnvironment, count, milliseconds, parseEnvironment, portVariable } from '@cimd/runtime'
import { z } from 'zod'

/** The environment of the scheduler; the reference in docs/configuration.md is made from it. */
export const schedulerEnvironment = z.object({
  ...commonEnvironment,
  CIMD_SCHEDULER_HEALTH_PORT: portVariable(8082),
  CIMD_SWEEP_INTERVAL_MS: milliseconds().default(500).describe('How often due and lost work is looked for.'),
  CIMD_RELAY_INTERVAL_MS: milliseconds()
    .default(1000)
    .describe('How often waiting events are looked for when no notification came.'),
  CIMD_REFRESH_QUEUE_MAX: count()
    .default(1000)
    .describe('Refreshes that may wait in the queue; more stay due in the store.'),
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
    refreshQueueMax: env.CIMD_REFRESH_QUEUE_MAX,
  }
}
