import { commonEnvironment, count, milliseconds, parseEnvironment, portVariable } from '@cimd/runtime'
import { z } from 'zod'

/** The environment of the fetcher; the reference in docs/configuration.md is made from it. */
export const fetcherEnvironment = z.object({
  ...commonEnvironment,
  CIMD_FETCHER_HEALTH_PORT: portVariable(8081),
  CIMD_FETCH_CONCURRENCY: count().default(32).describe('Fetches at once for users who wait.'),
  CIMD_REFRESH_CONCURRENCY: count().default(16).describe('Fetches at once that nobody waits for.'),
  CIMD_FETCH_DEADLINE_MS: milliseconds(6000)
    .default(5000)
    .describe(
      'The bound of one fetch, from the first DNS question to the last byte; a claim lasts 8 seconds.',
    ),
  CIMD_FETCH_BODY_BYTES_MAX: count(65_536)
    .default(5120)
    .describe('The largest document that is read, in bytes.'),
  CIMD_HOST_CONCURRENCY: count().default(8).describe('Fetches at once from one host, over all fetchers.'),
  CIMD_HOST_ATTEMPTS_PER_MINUTE: count()
    .default(600)
    .describe('Fetches per minute from one host, over all fetchers.'),
  CIMD_USER_AGENT: z
    .string()
    .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
    .default('cimd-registrar/0.1')
    .describe('Sent to every origin. Add a URL at which the operator can be reached.'),
  CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe(
      'Development only: documents may be served from this machine. Production refuses to start with it.',
    ),
})

export type FetcherConfig = ReturnType<typeof loadConfig>

/** The fetcher's configuration. Throws `ConfigError`, also for loopback targets in production (FET-15). */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>) {
  const env = parseEnvironment(
    fetcherEnvironment.refine(
      (given) => given.CIMD_ENV !== 'production' || given.CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS === 'false',
      {
        path: ['CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS'],
        error: 'is for development and refused with CIMD_ENV=production: unset it',
        // Also beside other problems, so that all are reported at once.
        when: () => true,
      },
    ),
    environment,
  )
  return {
    environment: env.CIMD_ENV,
    databaseUrl: env.CIMD_DATABASE_URL,
    queueUrl: env.CIMD_QUEUE_URL,
    logLevel: env.CIMD_LOG_LEVEL,
    shutdownGraceMs: env.CIMD_SHUTDOWN_GRACE_MS,
    health: { host: env.CIMD_HOST, port: env.CIMD_FETCHER_HEALTH_PORT },
    concurrency: { fetch: env.CIMD_FETCH_CONCURRENCY, refresh: env.CIMD_REFRESH_CONCURRENCY },
    fetch: {
      deadlineMs: env.CIMD_FETCH_DEADLINE_MS,
      bodyBytesMax: env.CIMD_FETCH_BODY_BYTES_MAX,
      userAgent: env.CIMD_USER_AGENT,
      dangerouslyAllowLoopback: env.CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS === 'true',
    },
    hostBudget: {
      concurrentMax: env.CIMD_HOST_CONCURRENCY,
      attemptsPerMinute: env.CIMD_HOST_ATTEMPTS_PER_MINUTE,
    },
  }
}
