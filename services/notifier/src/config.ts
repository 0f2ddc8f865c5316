import { USABLE_SETTINGS } from '@cimd/egress'
import {
  commonEnvironment,
  count,
  egressEnvironment,
  egressFrom,
  eventSourceVariable,
  LOOPBACK_IN_DEVELOPMENT_ONLY,
  milliseconds,
  parseEnvironment,
  portVariable,
} from '@cimd/runtime'
import { z } from 'zod'
import { bridgeEnvironment, bridgesFrom, checkBridges } from './bridge/bridge-config.ts'

/** The environment of the notifier; the reference in docs/configuration.md is made from it. */
export const notifierEnvironment = z.object({
  ...commonEnvironment,
  CIMD_NOTIFIER_HEALTH_PORT: portVariable(8083),
  CIMD_EVENT_SOURCE: eventSourceVariable(),
  CIMD_DELIVERY_CONCURRENCY: count(1000)
    .default(50)
    .describe('Deliveries at once, by one notifier to all webhooks.'),
  CIMD_TENANT_DELIVERY_CONCURRENCY: count(1000)
    .default(25)
    .describe('Deliveries at once for one tenant, over all notifiers.'),
  CIMD_SUBSCRIPTION_DELIVERY_CONCURRENCY: count(1000)
    .default(10)
    .describe(
      'Deliveries at once to one webhook, each of another client, over all notifiers; one that fails gets one at a time.',
    ),
  CIMD_DELIVERY_DEADLINE_MS: milliseconds(20_000)
    .default(15_000)
    .describe(
      'The bound of one delivery, from the first DNS question to the last byte of the answer; a claim lasts 40 seconds.',
    ),
  ...egressEnvironment(USABLE_SETTINGS),
  ...bridgeEnvironment,
})

export type NotifierConfig = ReturnType<typeof loadConfig>

/** The notifier's configuration. Throws `ConfigError`, also for loopback targets in production (FET-15). */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>) {
  const schema = checkBridges(notifierEnvironment.refine(...LOOPBACK_IN_DEVELOPMENT_ONLY))
  const env = parseEnvironment(schema, environment)
  return {
    environment: env.CIMD_ENV,
    databaseUrl: env.CIMD_DATABASE_URL,
    queueUrl: env.CIMD_QUEUE_URL,
    logLevel: env.CIMD_LOG_LEVEL,
    shutdownGraceMs: env.CIMD_SHUTDOWN_GRACE_MS,
    health: { host: env.CIMD_HOST, port: env.CIMD_NOTIFIER_HEALTH_PORT },
    eventSource: env.CIMD_EVENT_SOURCE,
    concurrency: env.CIMD_DELIVERY_CONCURRENCY,
    perTenant: env.CIMD_TENANT_DELIVERY_CONCURRENCY,
    perSubscription: env.CIMD_SUBSCRIPTION_DELIVERY_CONCURRENCY,
    deadlineMs: env.CIMD_DELIVERY_DEADLINE_MS,
    wayOut: egressFrom(env),
    bridges: bridgesFrom(env),
  }
}
