import type {
  AttemptRow,
  ClientRow,
  FeedRow,
  InterestRow,
  OutboxRow,
  Records,
  Rest,
  VersionRow,
} from './evidence.ts'
import type { Owner } from './owner.ts'

/** Reads all that the checker looks at. */
export async function collectRecords(owner: Owner): Promise<Records> {
  const { query } = owner
  const rest = await collectRest(owner)
  const versions = await query<VersionRow>(`
    select client_id as "clientId", encode(digest, 'hex') as digest, convert_from(body, 'UTF8') as body
    from cimd.versions order by id`)
  const outbox = await query<OutboxRow>(`
    select o.event_id as id, c.client_id as "clientId", o.client_seq::float8 as "clientSeq", o.type, o.data,
      o.relayed_at is not null as relayed
    from cimd.outbox o left join cimd.clients c on c.id = o.client_ref order by o.id`)
  const feed = await query<FeedRow>(`
    select t.name as tenant, f.position::float8, o.event_id as id
    from cimd.feed f join cimd.tenants t on t.id = f.tenant_id join cimd.outbox o on o.id = f.outbox_id
    order by f.tenant_id, f.position`)
  const interest = await query<InterestRow>(`
    select t.name as tenant, c.client_id as "clientId", i.since_seq::float8 as "sinceSeq"
    from cimd.interest i join cimd.tenants t on t.id = i.tenant_id join cimd.clients c on c.id = i.client_ref`)
  return { ...rest, versions, outbox, feed, interest }
}

/** Reads what was done for each client. */
export async function collectRest({ query }: Owner): Promise<Rest> {
  const clients = await query<ClientRow>(`
    select c.client_id as "clientId", c.wanted::float8, c.done::float8, c.claimed::float8,
      c.event_seq::float8 as "eventSeq", encode(v.digest, 'hex') as digest, c.state
    from cimd.clients c left join cimd.versions v on v.id = c.version_id order by c.id`)
  const attempts = await query<AttemptRow>(`
    select c.client_id as "clientId", a.generation::float8, a.started_at as "startedAt",
      a.finished_at as "finishedAt", a.outcome, a.applied, a.failure_code as "failureCode",
      encode(v.digest, 'hex') as digest, a.evidence
    from cimd.attempts a join cimd.clients c on c.id = a.client_ref
    left join cimd.versions v on v.id = a.version_id order by a.id`)
  return { clients, attempts }
}

/** Has everything that waits for an endpoint to recover told now: pauses last for hours, and a run for minutes. */
export async function endPauses({ query }: Owner): Promise<void> {
  await query('update cimd.subscriptions set paused_until = null where paused_until is not null')
  await query('update cimd.lanes set due_at = cimd.cimd_now() where due_at > cimd.cimd_now()')
}

/** What is still to be done: nothing, in the end. */
export async function countUnsettled({ query }: Owner): Promise<{
  readonly wanted: number
  readonly claimed: number
  readonly unrelayed: number
  readonly undelivered: number
}> {
  const [row] = await query<Awaited<ReturnType<typeof countUnsettled>>>(`
    select (select count(*) from cimd.clients where wanted > done)::float8 as wanted,
      (select count(*) from cimd.clients where claim_until > cimd.cimd_now())::float8
        + (select count(*) from cimd.resources where claim_until > cimd.cimd_now())::float8 as claimed,
      (select count(*) from cimd.outbox where relayed_at is null or relayed_at = '-infinity')::float8 as unrelayed,
      (select count(*) from cimd.deliveries where state = 'waiting')::float8
        + (select count(*) from cimd.subscriptions s join cimd.tenants t on t.id = s.tenant_id
          where s.fanned_position < t.feed_position)::float8 as undelivered`)
  if (row === undefined) throw new Error('the database counted nothing')
  return row
}
