import {
  afterRelease,
  type Brake,
  type ClientEvent,
  type ClientState,
  type Judgement,
  judgeKeySet,
  type LinkedKind,
  linkedKeysEvents,
  linkedLogoEvents,
} from '@cimd/core'
import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { rowFromStanding, type StandingRow, standingFromRow } from './standing.ts'

const STANDING = sql`c.id::text, cimd.cimd_now() as now, c.state, c.validated_at, c.fresh_until, c.revalidate_until,
  c.usable_until, c.stale_forbidden, c.stale_if_error_seconds, c.failure_code, c.failing_since, c.withdrawing_code,
  c.withdrawing_since, c.retry_at`

const RELEASED = sql`id bigint, at timestamptz, due_at timestamptz, events jsonb, state text, fresh_until timestamptz,
  revalidate_until timestamptz, usable_until timestamptz, failure_code text, failing_since timestamptz,
  withdrawing_code text, withdrawing_since timestamptz, retry_at timestamptz`

// A fetch under way loses its claim: it would put back what it read, and may have begun before the fault was mended.
const RELEASE = sql`state = r.state, fresh_until = r.fresh_until, revalidate_until = r.revalidate_until,
  usable_until = r.usable_until, failure_code = r.failure_code, failing_since = r.failing_since,
  withdrawing_code = r.withdrawing_code, withdrawing_since = r.withdrawing_since, retry_at = r.retry_at,
  wanted = c.wanted + 1, claimed = null, claim_token = null, claim_until = null, deferred_until = null,
  deferred_code = null`

type DoubtedRow = StandingRow & { id: string; now: Date }
type DoubtedResourceRow = DoubtedRow & { kind: LinkedKind; body: Buffer | null }

/** Drops what was found of clients, as `afterRelease` of core says, and has them fetched. Returns of how many it still stood. */
export async function dropClientFindings(
  trx: Transaction,
  clients: readonly string[],
  brake: Brake,
): Promise<number> {
  // Judged as they stand now: a fetch that has ended meanwhile may have settled one of them.
  const { rows } = await sql<DoubtedRow>`
    select ${STANDING}, c.stale_announced_code, v.digest from cimd.clients c join cimd.versions v on v.id = c.version_id
    where c.id = any(${clients}::bigint[]) order by c.id for no key update of c`.execute(trx)
  const released = judge(rows, brake)
  await sql`
    with released as (
      select * from jsonb_to_recordset(${JSON.stringify(released)}::jsonb)
        as r (${RELEASED}, stale_announced_code text)
    ), client as (
      update cimd.clients c set ${RELEASE}, stale_announced_code = r.stale_announced_code, forced = c.wanted + 1,
        event_seq = c.event_seq + jsonb_array_length(r.events)
      from released r where c.id = r.id
      returning c.id, c.event_seq, r.events, r.at, r.due_at
    ), due as (
      insert into cimd.schedule (client_ref, due_at) select id, due_at from client
      on conflict (client_ref) do update set due_at = excluded.due_at
    )
    insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
    select c.id, c.event_seq - jsonb_array_length(c.events) + e.ordinality, e.event ->> 'type', e.event -> 'data', c.at
    from client c, jsonb_array_elements(c.events) with ordinality as e (event)`.execute(trx)
  return released.length
}

/** The same for key sets and logos: those whose end was announced are announced to be back, if the brake holds them. */
export async function dropResourceFindings(
  trx: Transaction,
  resources: readonly string[],
  brake: Brake,
): Promise<number> {
  // The clients first, as where a fetch is recorded; their locks order the events.
  await sql`
    select from cimd.clients where id in (
      select client_ref from cimd.resources where id = any(${resources}::bigint[])
    ) order by id for no key update`.execute(trx)
  const { rows } = await sql<DoubtedResourceRow>`
    select ${STANDING}, c.digest, c.kind, c.body from cimd.resources c
    where c.id = any(${resources}::bigint[]) order by c.client_ref, c.kind for no key update`.execute(trx)
  const released = rows.flatMap(({ kind, body, ...row }) =>
    judge([row], brake).map((one) => ({
      ...one,
      events: eventsOf({ kind, body, digest: row.digest }, row.state, one.state),
    })),
  )
  await sql`
    with released as (
      select * from jsonb_to_recordset(${JSON.stringify(released)}::jsonb) as r (${RELEASED})
    ), resource as (
      update cimd.resources c set ${RELEASE}, due_at = r.due_at,
        failure_detail = case when r.failure_code is not null then c.failure_detail end
      from released r where c.id = r.id
      returning c.id, c.client_ref, r.events, r.at
    ), told as (
      select r.client_ref, r.at, e.event, row_number() over (partition by r.client_ref order by r.id) as turn
      from resource r, jsonb_array_elements(r.events) as e (event)
    ), client as (
      update cimd.clients c set event_seq = c.event_seq + n.events
      from (select client_ref, count(*) as events from told group by 1) n where c.id = n.client_ref
      returning c.id, c.event_seq - n.events as told_before
    )
    insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
    select c.id, c.told_before + t.turn, t.event ->> 'type', t.event -> 'data', t.at
    from client c join told t on t.client_ref = c.id`.execute(trx)
  return released.length
}

function eventsOf(
  { kind, body, digest }: Pick<DoubtedResourceRow, 'kind' | 'body' | 'digest'>,
  before: ClientState,
  after: ClientState,
): readonly ClientEvent[] {
  if (kind === 'logo') {
    const image = digest?.toString('hex')
    return linkedLogoEvents({ state: before, digest: image }, { state: after, digest: image })
  }
  const judged = body && judgeKeySet(body)
  const keySet = judged?.ok ? judged.keySet : undefined
  return linkedKeysEvents({ state: before, keySet }, { state: after, keySet })
}

type Released = Omit<StandingRow, 'digest'> & {
  readonly id: string
  readonly at: Date
  readonly due_at: Date
  readonly events: Judgement['events']
}

function judge(rows: readonly DoubtedRow[], brake: Brake): Released[] {
  return rows.flatMap(({ id, now: at, ...row }) => {
    const judgement = afterRelease(standingFromRow(row), at, brake)
    if (judgement === undefined) return []
    const { standing, nextAttemptAt, events } = judgement
    return [{ ...rowFromStanding(standing), id, at, due_at: nextAttemptAt ?? at, events }]
  })
}
