import { FAILURES, isFailureCode } from '@cimd/core'
import { createProducer, type QueueCounts, type QueueName } from '@cimd/queue'
import { explain, needed } from '@cimd/runtime'
import type { StoreStatus } from '@cimd/store'
import type { Located } from './connection.ts'
import type { ExitCode } from './exit-code.ts'
import {
  complain,
  formatCount,
  formatInstant,
  formatSeconds,
  type Output,
  say,
  sayFacts,
  sayJson,
  sayTable,
} from './print.ts'

export type StatusDeps = {
  readonly output: Output
  readonly readStatus: () => Promise<StoreStatus>
  readonly countQueues: () => Promise<Record<QueueName, QueueCounts>>
}

/** Shows the store and the queues in numbers. A queue that is down does not hide the store. */
export async function runStatus(
  { output, readStatus, countQueues }: StatusDeps,
  { json }: { readonly json: boolean | undefined },
): Promise<ExitCode> {
  const status = await readStatus()
  const queues = await countQueues().catch((error: unknown) => {
    complain(output, explain(error))
    return undefined
  })
  if (json) sayJson(output, { ...bodyOf(status), queues: queues ?? null })
  else {
    sayStore(output, status)
    if (queues) sayQueues(output, queues)
  }
  return queues === undefined ? 1 : 0
}

function bodyOf(status: StoreStatus) {
  return {
    schema_version: status.schemaVersion,
    environment: status.environment,
    clients: status.clients,
    versions: status.versions,
    attempts_last_hour: status.attemptsLastHour.map(({ outcome, failureCode, count }) => ({
      outcome,
      failure_code: failureCode ?? null,
      count,
    })),
    due_now: status.dueNow,
    oldest_due_seconds: status.oldestDueSeconds ?? null,
    outbox_waiting: status.outboxWaiting,
    audit_waiting: status.auditWaiting,
    brake: status.brake
      ? { engaged_at: status.brake.engagedAt, held_from: status.brake.heldFrom, reason: status.brake.reason }
      : null,
  }
}

function sayStore(output: Output, status: StoreStatus): void {
  const { oldestDueSeconds: oldest, attemptsLastHour } = status
  sayFacts(output, [
    ['store', `schema ${status.schemaVersion}, ${status.environment}`],
    ['clients', countsText(status.clients)],
    ['versions', String(status.versions)],
    ['due now', `${status.dueNow}${oldest === undefined ? '' : `, the oldest for ${formatSeconds(oldest)}`}`],
    ['outbox', `${formatCount(status.outboxWaiting, 'event')} waiting`],
    ['audit', `${status.auditWaiting} waiting`],
    ['brake', brakeText(status.brake)],
  ])
  say(output)
  if (attemptsLastHour.length === 0) say(output, 'No attempts in the last hour.')
  else sayTable(output, ['ATTEMPTS OF THE LAST HOUR', 'COUNT', ''], attemptsLastHour.map(attemptRow))
}

function sayQueues(output: Output, queues: Record<QueueName, QueueCounts>): void {
  const rows = Object.entries(queues).map(([name, { waiting, active, delayed, failed }]) => [
    name,
    ...[waiting, active, delayed, failed].map(String),
  ])
  say(output)
  sayTable(output, ['QUEUE', 'WAITING', 'ACTIVE', 'DELAYED', 'FAILED'], rows)
}

function brakeText(brake: StoreStatus['brake']): string {
  if (brake === undefined) return 'not engaged'
  return `engaged since ${formatInstant(brake.engagedAt)}: ${brake.reason} (cimd brake)`
}

function attemptRow({ outcome, failureCode, count }: StoreStatus['attemptsLastHour'][number]): string[] {
  if (failureCode === undefined) return [outcome.replace('_', ' '), String(count), '']
  const summary = isFailureCode(failureCode) ? FAILURES[failureCode].summary : ''
  return [`failed: ${failureCode}`, String(count), summary]
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts)
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  const parts = entries.filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`)
  return total === 0 ? '0' : `${total} (${parts.join(', ')})`
}

/** Asks the queue store how many jobs each queue holds. */
export async function countQueues({ url, source }: Located): Promise<Record<QueueName, QueueCounts>> {
  // Trouble between calls is trouble of the call as well.
  const producer = createProducer({ url, onError: () => {} })
  try {
    const counted = Promise.all([
      producer.counts('fetch'),
      producer.counts('refresh'),
      producer.counts('deliver'),
    ])
    const [fetch, refresh, deliver] = await needed(`queue (${source})`, counted)
    return { fetch, refresh, deliver }
  } finally {
    await producer.close()
  }
}
