import { prepareQueueStore } from '@cimd/queue'
import { needed } from '@cimd/runtime'
import { migrate, SCHEMA_VERSION, STORE_ROLES } from '@cimd/store'
import type { Located } from './connection.ts'
import type { ExitCode } from './exit-code.ts'
import { complain, type Output, say, sayJson } from './print.ts'

export type MigrateDeps = {
  readonly output: Output
  readonly database: Located
  readonly queue: Located
  readonly environment: 'development' | 'production'
}

/** Brings the store and the queue store to what this release needs. */
export async function runMigrate(
  { output, database, queue, environment }: MigrateDeps,
  { json }: { readonly json: boolean | undefined },
): Promise<ExitCode> {
  const applied = await needed(`database (${database.source})`, migrate(database.url, environment))
  if (!json) say(output, summaryOf(applied))
  const onWarning = (message: string): void => complain(output, message)
  const prepared = prepareQueueStore(queue.url, { grantTo: STORE_ROLES, onWarning })
  await needed(`queue store (${queue.source})`, prepared)
  if (json) sayJson(output, { applied, schema_version: SCHEMA_VERSION, environment, queue: 'ready' })
  else say(output, 'The queue store is ready.')
  return 0
}

function summaryOf(applied: readonly string[]): string {
  if (applied.length === 0) return `The store is up to date (schema ${SCHEMA_VERSION}).`
  return `Migrated the store to schema ${SCHEMA_VERSION}: ${applied.join(', ')}.`
}
