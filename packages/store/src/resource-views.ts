import type { ClientStanding, LinkedKind } from '@cimd/core'
import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { type StandingRow, standingFromRow } from './standing.ts'

/** What is known of the key set or the logo of a client. */
export type ResourceView = {
  readonly kind: LinkedKind
  readonly url: string
  readonly wanted: number
  readonly done: number
  readonly standing: ClientStanding
  /** The usable keys as canonical JSON, of a key set. */
  readonly body: Uint8Array | undefined
  /** Of a logo, as it was encoded. */
  readonly image:
    | { readonly contentType: string; readonly width: number; readonly height: number }
    | undefined
}

/** What a demand for newer keys comes to. */
export type KeysDemand =
  | { readonly kind: 'demanded'; readonly generation: number; readonly enqueue: boolean }
  /** They were asked for less than a minute ago, or are in quarantine. */
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  /** The client has no jwks_uri. */
  | { readonly kind: 'none' }

type ViewRow = StandingRow & {
  kind: LinkedKind
  url: string
  wanted: number
  done: number
  body: Buffer | null
  content_type: string | null
  width: number | null
  height: number | null
}

/** An unknown key may be a rotation or anybody's invention: an origin is asked at most so often (KEY-14). */
export const KEYS_REFRESH_SECONDS = 60

const LOST_WORK_SECONDS = 5

/** The resources of a client, as they stand. */
export async function findResources(trx: Transaction, client: string): Promise<readonly ResourceView[]> {
  const { rows } = await sql<ViewRow>`
    select r.kind, r.url, r.wanted, r.done, r.digest, r.body,
      r.state, r.validated_at, r.fresh_until, r.revalidate_until, r.usable_until, r.stale_forbidden,
      r.stale_if_error_seconds, r.failure_code, r.failing_since, r.withdrawing_code, r.withdrawing_since, r.retry_at,
      r.quarantined_since, r.quarantined_until, l.content_type, l.width, l.height
    from cimd.resources r left join cimd.logos l on r.kind = 'logo' and l.digest = r.digest
    where r.client_ref = ${client}`.execute(trx)
  return rows.map(viewFromRow)
}

/**
 * Demands the key set of a client: joins a fetch that is wanted or running, or raises `wanted`, at most once a minute
 * (KEY-14). Ends a pause, unless somebody waits for its end already: that one is joined. It ends no quarantine.
 */
export async function demandKeys(trx: Transaction, client: string): Promise<KeysDemand> {
  const raise = sql`case when r.wanted = r.done then 1 else 0 end`
  const raised = await sql<{ generation: number }>`
    update cimd.resources r set wanted = r.wanted + ${raise}, urgent = r.wanted + ${raise},
      -- What was put off was nobody's hurry; the budget has room for users.
      deferred_until = null, deferred_code = null,
      due_at = least(r.due_at, cimd.cimd_now() + make_interval(secs => ${LOST_WORK_SECONDS}))
    where r.client_ref = ${client} and r.kind = 'jwks'
      and (r.quarantined_until is null or r.quarantined_until <= cimd.cimd_now()) and case when r.wanted > r.done then r.urgent < r.wanted
      else coalesce(r.attempted_at <= cimd.cimd_now() - make_interval(secs => ${KEYS_REFRESH_SECONDS}), true) end
    returning r.wanted as generation`.execute(trx)
  const [row] = raised.rows
  if (row !== undefined) return { kind: 'demanded', generation: row.generation, enqueue: true }
  return joinKeys(trx, client)
}

type JoinRow = { wanted: number; done: number; wait_seconds: number | null; aside_seconds: number | null }

// A statement of its own, because it must see what the transaction that was waited for has committed.
async function joinKeys(trx: Transaction, client: string): Promise<KeysDemand> {
  const { rows } = await sql<JoinRow>`
    select wanted, done, ceil(extract(epoch from attempted_at - cimd.cimd_now()) + ${KEYS_REFRESH_SECONDS})::integer
      as wait_seconds, ceil(extract(epoch from quarantined_until - cimd.cimd_now()))::integer as aside_seconds
    from cimd.resources where client_ref = ${client} and kind = 'jwks'`.execute(trx)
  const [row] = rows
  if (row === undefined) return { kind: 'none' }
  if ((row.aside_seconds ?? 0) > 0) return { kind: 'limited', retryAfterSeconds: row.aside_seconds ?? 1 }
  if (row.wanted > row.done) return { kind: 'demanded', generation: row.wanted, enqueue: false }
  return { kind: 'limited', retryAfterSeconds: Math.max(1, row.wait_seconds ?? 1) }
}

function viewFromRow(row: ViewRow): ResourceView {
  const { kind, url, wanted, done, content_type: contentType, width, height } = row
  const isImage = contentType !== null && width !== null && height !== null
  return {
    ...{ kind, url, wanted, done },
    standing: standingFromRow(row),
    body: row.body ?? undefined,
    image: isImage ? { contentType, width, height } : undefined,
  }
}
