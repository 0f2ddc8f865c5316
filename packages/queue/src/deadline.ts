import { setTimeout as delay } from 'node:timers/promises'

/** The queue store did not answer, or refused. The work is not lost: Postgres still wants it. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError'
  readonly code = 'queue_unavailable'
}

/** What a caller is told of whatever went wrong between it and the queue store. */
export function unavailable(what: string, cause: unknown): QueueUnavailableError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  return new QueueUnavailableError(`${what}: ${reason}`, { cause })
}

/** Rejects with a QueueUnavailableError once `ms` have passed; the work itself cannot be cancelled. */
export async function withDeadline<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new QueueUnavailableError(`${what}: no answer in ${ms} ms`)), ms)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Whether the work settles (either way) within `ms`. */
export async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController()
  const settled = work.then(
    () => true,
    () => true,
  )
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false)
  try {
    return await Promise.race([settled, late])
  } finally {
    timer.abort()
  }
}
