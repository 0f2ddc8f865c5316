import { randomUUID } from 'node:crypto'
import type { TakeBudget } from '@cimd/core'
import { sql } from 'kysely'
import type { Db } from './db.ts'

export type HostBudgetLimits = {
  /** Attempts that may run against one host at once, over all fetchers. */
  readonly concurrentMax: number
  readonly windowSeconds: number
  readonly windowMax: number
  /** A lease ends by itself after this long, so that a killed fetcher does not hold it for ever. */
  readonly leaseSeconds: number
}

/** The per-host budget of the whole fleet, kept in Postgres (FET-23). One round trip to take, one to release. */
export function createHostBudget(db: Db, limits: HostBudgetLimits): TakeBudget {
  return async ({ host, urgent }) => {
    const token = randomUUID()
    const { concurrentMax, windowMax } = urgent ? limits : backgroundShare(limits)
    const { rows } = await sql<{ wait_seconds: number }>`
      select cimd.take_host_budget(${host}, ${token}, ${limits.leaseSeconds}, ${concurrentMax},
        ${limits.windowSeconds}, ${windowMax}) as wait_seconds`.execute(db)
    const waitSeconds = rows[0]?.wait_seconds ?? 0
    if (waitSeconds > 0) {
      return { kind: 'deferred', code: 'host_budget', retryAfterSeconds: Math.ceil(waitSeconds) }
    }
    const release = async (): Promise<void> => {
      await db.deleteFrom('cimd.host_leases').where('token', '=', token).execute()
    }
    return { kind: 'granted', release }
  }
}

// The other half is for users: a backlog of refreshes must not use up what a login needs.
function backgroundShare({ concurrentMax, windowMax }: HostBudgetLimits) {
  return { concurrentMax: Math.ceil(concurrentMax / 2), windowMax: Math.ceil(windowMax / 2) }
}

/** Deletes windows and leases that ended long ago; returns how many rows. */
export async function deleteEndedBudgets(db: Db): Promise<number> {
  const long = sql<Date>`cimd.cimd_now() - interval '1 hour'`
  const windows = await db.deleteFrom('cimd.host_windows').where('started_at', '<', long).executeTakeFirst()
  const leases = await db.deleteFrom('cimd.host_leases').where('leased_until', '<', long).executeTakeFirst()
  return Number(windows.numDeletedRows) + Number(leases.numDeletedRows)
}
