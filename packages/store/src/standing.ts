import { type ClientStanding, type FailureCode, isFailureCode } from '@cimd/core'
import type { Selectable } from 'kysely'
import type { Database } from './tables.ts'

/** The columns of `clients` that make up a standing, and the version's digest joined to them. */
export type StandingRow = Pick<
  Selectable<Database['cimd.clients']>,
  | 'state'
  | 'validated_at'
  | 'fresh_until'
  | 'revalidate_until'
  | 'usable_until'
  | 'stale_forbidden'
  | 'stale_if_error_seconds'
  | 'failure_code'
  | 'failing_since'
  | 'withdrawing_code'
  | 'withdrawing_since'
  | 'retry_at'
> & {
  readonly digest: Buffer | null
  /** Of clients alone: what becomes of a key set or a logo is announced as what it is. */
  readonly stale_announced_code?: string | null
  /** Of whatever is asked for with it. */
  readonly quarantined_since?: Date | null
  readonly quarantined_until?: Date | null
}

/** Reads a standing from its row. */
export function standingFromRow(row: StandingRow): ClientStanding {
  return {
    state: row.state,
    digest: row.digest?.toString('hex'),
    validatedAt: row.validated_at ?? undefined,
    freshUntil: row.fresh_until ?? undefined,
    revalidateUntil: row.revalidate_until ?? undefined,
    usableUntil: row.usable_until ?? undefined,
    staleForbidden: row.stale_forbidden,
    staleIfErrorSeconds: row.stale_if_error_seconds ?? undefined,
    failure: spell(row.failure_code, row.failing_since),
    withdrawing: spell(row.withdrawing_code, row.withdrawing_since),
    retryAt: row.retry_at ?? undefined,
    staleAnnounced: row.stale_announced_code ? knownCode(row.stale_announced_code) : undefined,
    quarantine: quarantineOf(row),
  }
}

/** The values of those columns for a standing; the digest is the version's own. */
export function rowFromStanding(standing: ClientStanding): Omit<StandingRow, 'digest'> {
  return {
    state: standing.state,
    validated_at: standing.validatedAt ?? null,
    fresh_until: standing.freshUntil ?? null,
    revalidate_until: standing.revalidateUntil ?? null,
    usable_until: standing.usableUntil ?? null,
    stale_forbidden: standing.staleForbidden,
    stale_if_error_seconds: standing.staleIfErrorSeconds ?? null,
    failure_code: standing.failure?.code ?? null,
    failing_since: standing.failure?.since ?? null,
    withdrawing_code: standing.withdrawing?.code ?? null,
    withdrawing_since: standing.withdrawing?.since ?? null,
    retry_at: standing.retryAt ?? null,
    stale_announced_code: standing.staleAnnounced ?? null,
    quarantined_since: standing.quarantine?.since ?? null,
    quarantined_until: standing.quarantine?.until ?? null,
  }
}

function spell(code: string | null, since: Date | null): { code: FailureCode; since: Date } | undefined {
  return code === null || since === null ? undefined : { code: knownCode(code), since }
}

function quarantineOf({ quarantined_since: since, quarantined_until: until }: StandingRow) {
  return since && until ? { since, until } : undefined
}

/** A code as stored; one that this release no longer knows is read as the origin's own trouble. */
export function knownCode(code: string): FailureCode {
  return isFailureCode(code) ? code : 'status_5xx'
}
