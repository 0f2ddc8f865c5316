import { USABLE_SETTINGS } from '@cimd/egress'
import {
  commonEnvironment,
  count,
  egressEnvironment,
  egressFrom,
  LOOPBACK_IN_DEVELOPMENT_ONLY,
  milliseconds,
  parseEnvironment,
  portsVariable,
  portVariable,
} from '@cimd/runtime'
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
  CIMD_LOGO_CONCURRENCY: count().default(2).describe('Logos decoded at once, each in a process of its own.'),
  CIMD_LOGO_DECODE_MS: milliseconds(10_000)
    .default(3000)
    .describe('The longest the decoding of one logo may take.'),
  CIMD_LOGO_MEMORY_MIB: count(4096)
    .min(128, { error: 'must be a whole number from 128 to 4096' })
    .default(256)
    .describe('The memory one logo decoder may have, in MiB; it starts with about 85.'),
  CIMD_RDAP_URL: z
    .url({ protocol: /^https$/ })
    .refine((url) => url.includes('{domain}'), { error: 'must have {domain} where the domain belongs' })
    .optional()
    .describe(
      'Where an RDAP server tells when a domain was registered and when that ends, such as `https://rdap.example.net/domain/{domain}`; each domain is asked for once a day at most. Not asked by default (CHG-05).',
    ),
  ...egressEnvironment(USABLE_SETTINGS),
  CIMD_CLIENT_ID_PORTS: portsVariable('443').describe(
    'Ports that a client_id, jwks_uri or logo_uri may name, separated by commas; the same for api and fetcher (CID-09).',
  ),
  CIMD_HOST_CONCURRENCY: count()
    .default(8)
    .describe(
      'Fetches at once from one host, over all fetchers; refreshes get half, as of every limit below.',
    ),
  CIMD_HOST_ATTEMPTS_PER_MINUTE: count()
    .default(600)
    .describe('Fetches per minute from one host, over all fetchers.'),
  CIMD_DOMAIN_CONCURRENCY: count()
    .default(16)
    .describe('Fetches at once from all hosts of one registrable domain, over all fetchers.'),
  CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: count()
    .default(1200)
    .describe('Fetches per minute from all hosts of one registrable domain, over all fetchers.'),
  CIMD_FLEET_CONCURRENCY: count().default(256).describe('Fetches at once, over all fetchers and hosts.'),
  CIMD_FLEET_ATTEMPTS_PER_MINUTE: count()
    .default(30_000)
    .describe('Fetches per minute, over all fetchers and hosts.'),
})

export type FetcherConfig = ReturnType<typeof loadConfig>

/** The fetcher's configuration. Throws `ConfigError`, also for loopback targets in production (FET-15). */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>) {
  const env = parseEnvironment(fetcherEnvironment.refine(...LOOPBACK_IN_DEVELOPMENT_ONLY), environment)
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
      bodyBytesMax: { document: env.CIMD_FETCH_BODY_BYTES_MAX },
      allowedPorts: env.CIMD_CLIENT_ID_PORTS,
    },
    logo: {
      concurrency: env.CIMD_LOGO_CONCURRENCY,
      decodeMs: env.CIMD_LOGO_DECODE_MS,
      memoryBytes: env.CIMD_LOGO_MEMORY_MIB * 1024 ** 2,
    },
    registrationUrl: env.CIMD_RDAP_URL,
    wayOut: egressFrom(env),
    budget: {
      windowSeconds: 60,
      host: { concurrentMax: env.CIMD_HOST_CONCURRENCY, windowMax: env.CIMD_HOST_ATTEMPTS_PER_MINUTE },
      domain: { concurrentMax: env.CIMD_DOMAIN_CONCURRENCY, windowMax: env.CIMD_DOMAIN_ATTEMPTS_PER_MINUTE },
      fleet: { concurrentMax: env.CIMD_FLEET_CONCURRENCY, windowMax: env.CIMD_FLEET_ATTEMPTS_PER_MINUTE },
    },
  }
}
