import { randomUUID } from 'node:crypto'
import type { TakeBudget } from '@cimd/core'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** Whom a limit holds for: one host, all hosts of a registrable domain, or all that the fleet fetches. */
type BudgetScope = (typeof SCOPES)[number]
const SCOPES = ['host', 'domain', 'fleet'] as const

export type FetchBudgetLimits = Readonly<Record<BudgetScope, ScopeLimits>> & {
  /** At most five minutes: ended windows are deleted after ten. */
  readonly windowSeconds: number
  /** A lease ends by itself after this long, so that a killed fetcher does not hold it for ever. */
  readonly leaseSeconds: number
}

/** What one scope allows, over all fetchers. */
export type ScopeLimits = {
  /** Attempts that may run at once. */
  readonly concurrentMax: number
  /** Attempts that may begin in one window. */
  readonly windowMax: number
}

/**
 * The budget of the whole fleet, kept in Postgres (FET-23): an attempt is granted by its host, its registrable domain
 * and the fleet together, or counted by none of them. One round trip to take, one to release.
 */
export function createFetchBudget(db: Db, limits: FetchBudgetLimits): TakeBudget {
  return async ({ host, domain, urgent }) => {
    const token = randomUUID()
    const { concurrentMax, windowMax } = urgent ? allOf(limits) : backgroundShareOf(limits)
    const { rows } = await sql<{ scope: BudgetScope; wait_seconds: number }>`
      select scope, wait_seconds from cimd.take_fetch_budget(${nameOf(host)}, ${nameOf(domain)}, ${token},
        ${limits.leaseSeconds}, ${concurrentMax}, ${limits.windowSeconds}, ${windowMax})`.execute(db)
    const [refusal] = rows
    if (refusal !== undefined) {
      const retryAfterSeconds = Math.ceil(refusal.wait_seconds)
      return { kind: 'deferred', code: `${refusal.scope}_budget`, retryAfterSeconds }
    }
    const release = async (): Promise<void> => {
      await db.deleteFrom('cimd.fetch_leases').where('token', '=', token).execute()
    }
    return { kind: 'granted', release }
  }
}

/** No name is longer; what a document may name all the same is longer than an index can hold, and is never dialled. */
const NAME_LENGTH_MAX = 253

function nameOf(text: string): string {
  return text.slice(0, NAME_LENGTH_MAX)
}

/** One number per scope, in the order of `SCOPES`, as the database wants them. */
type LimitsByScope = { readonly concurrentMax: readonly number[]; readonly windowMax: readonly number[] }

function allOf(limits: FetchBudgetLimits): LimitsByScope {
  return {
    concurrentMax: SCOPES.map((scope) => limits[scope].concurrentMax),
    windowMax: SCOPES.map((scope) => limits[scope].windowMax),
  }
}

// The other half is for users: a backlog of refreshes must not use up what a login needs.
function backgroundShareOf(limits: FetchBudgetLimits): LimitsByScope {
  const { concurrentMax, windowMax } = allOf(limits)
  const half = (max: number) => Math.ceil(max / 2)
  return { concurrentMax: concurrentMax.map(half), windowMax: windowMax.map(half) }
}

/** Deletes windows and leases that ended long ago; returns how many rows. */
export async function deleteEndedBudgets(db: Db): Promise<number> {
  const long = sql<Date>`cimd.cimd_now() - interval '10 minutes'`
  const deletions = [
    db.deleteFrom('cimd.fetch_windows').where('started_at', '<', long),
    db.deleteFrom('cimd.fetch_leases').where('leased_until', '<', long),
    db.deleteFrom('cimd.host_windows').where('started_at', '<', long),
    db.deleteFrom('cimd.host_leases').where('leased_until', '<', long),
  ]
  let rows = 0
  for (const deletion of deletions) rows += Number((await deletion.executeTakeFirst()).numDeletedRows)
  return rows
}
