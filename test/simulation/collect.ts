import { EVENT_DATA, type EventType } from '@cimd/core'
import { type Db, readFeed, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import type { VirtualClock } from './clock.ts'
import type { HeardEvent, RecordedState } from './evidence.ts'
import type { Instant } from './kinds.ts'

const FEED_PAGE = 1000

type StateRow = {
  client_id: string
  now: Date
  state: string
  digest: string | null
  validated_at: Date | null
  attempted_at: Date | null
  last_resolved_at: Date | null
  leased_until: Date | null
  dormant_since: Date | null
  reason: string | null
}

/** Every client's row as it stands now, read as what it is and not through the code that is checked. */
export async function readStates(db: Db, clock: VirtualClock): Promise<readonly RecordedState[]> {
  const { rows } = await sql<StateRow>`
    select c.client_id, cimd.cimd_now() as now, c.state, encode(v.digest, 'hex') as digest, c.validated_at,
      c.attempted_at, c.dormant_since, coalesce(c.withdrawing_code, c.failure_code, c.deferred_code) as reason,
      (select max(last_resolved_at) from cimd.interest where client_ref = c.id) as last_resolved_at,
      (select max(leased_until) from cimd.interest where client_ref = c.id) as leased_until
    from cimd.clients c left join cimd.versions v on v.id = c.version_id`.execute(db)
  const instant = (date: Date | null): number | undefined => (date === null ? undefined : clock.since(date))
  return rows.map((row) => ({
    clientId: row.client_id,
    at: clock.since(row.now),
    state: row.state,
    digest: row.digest ?? undefined,
    validatedAt: instant(row.validated_at),
    attemptedAt: instant(row.attempted_at),
    lastResolvedAt: instant(row.last_resolved_at),
    reason: row.reason ?? undefined,
    inUse: row.leased_until !== null && row.leased_until > row.now && row.dormant_since === null,
  }))
}

/** Retries are taken together, so that few sweeps serve many; a withdrawal is to be decided in time. */
const RETRY_GRID_SECONDS = { usual: 20, withdrawing: 5 } as const

/** When the failing clients that are due before an instant are to be tried again. */
export async function readRetries(db: Db, clock: VirtualClock, before: Instant): Promise<readonly Instant[]> {
  const { rows } = await sql<{ seconds: number; withdrawing: boolean }>`
    with due as materialized (
      select client_ref, due_at from cimd.schedule
      where due_at < cimd.cimd_now() + make_interval(secs => ${before - clock.now()})
    )
    select distinct ceil(extract(epoch from d.due_at - cimd.cimd_now()))::integer as seconds,
      c.withdrawing_code is not null and c.state = 'failing' as withdrawing
    from due d join cimd.clients c on c.id = d.client_ref where c.failure_code is not null`.execute(db)
  const now = clock.now()
  return rows.map(({ seconds, withdrawing }) => {
    const grid = RETRY_GRID_SECONDS[withdrawing ? 'withdrawing' : 'usual']
    return Math.ceil((now + seconds) / grid) * grid
  })
}

/** The digests of the versions that are kept, by client_id. */
export async function readVersions(db: Db): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { rows } = await sql<{ client_id: string; digest: string }>`
    select client_id, encode(digest, 'hex') as digest from cimd.versions`.execute(db)
  const byClient = Map.groupBy(rows, (row) => row.client_id)
  return new Map([...byClient].map(([id, versions]) => [id, new Set(versions.map(({ digest }) => digest))]))
}

/** The whole feed of a tenant as the tenant reads it, by client_id. */
export async function readHeard(
  db: Db,
  tenantId: string,
  clock: VirtualClock,
): Promise<ReadonlyMap<string, readonly HeardEvent[]>> {
  const heard = new Map<string, HeardEvent[]>()
  for (let after = 0; ; ) {
    const page = await withTenant(db, tenantId, (trx) => readFeed(trx, after, FEED_PAGE))
    for (const { clientId, position, type, occurredAt, data } of page) {
      if (!isEventType(type)) throw new Error(`an event of no known type: ${type}`)
      if (clientId === undefined) continue
      const events = heard.get(clientId) ?? []
      events.push({ position, type, at: clock.since(occurredAt), data: data as Record<string, unknown> })
      heard.set(clientId, events)
    }
    const last = page.at(-1)
    if (last === undefined) return heard
    after = last.position
  }
}

function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_DATA, type)
}
