import { type ClientIdUrl, classOf, type FailureCode, type LinkedKind, usabilityOf } from '@cimd/core'
import { findClient, lockDueClients, recordAttempt, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { failedRecord, identify, type TestStore } from './store-bundle.ts'

/** Clients in use, each with a valid version of a moment ago. */
export async function use(store: TestStore, count: number): Promise<string[]> {
  const clients: string[] = []
  for (let made = 0; made < count; made += 1) {
    const clientId = identify()
    await store.fetch(clientId)
    clients.push((await viewOf(store, clientId)).id ?? '')
  }
  return clients
}

/** One more attempt on the client, which fails. */
export async function fail(store: TestStore, client: string, code: FailureCode): Promise<void> {
  await store.demand(await idOf(store, client), { forced: true })
  await recordAttempt(store.fetcher, failedRecord(await store.claim(client), code))
}

/** Clients in use whose document has just gone, as no function of ours would make so many. */
export async function plant(store: TestStore, count: number): Promise<void> {
  await sql`
    with made as (
      insert into cimd.clients (client_id, host)
      select 'https://many.example.net/' || n, 'many.example.net' from generate_series(1, ${count}) n
      returning id, client_id
    ), versions as (
      insert into cimd.versions (client_id, body, digest, content_type, rules_version, fetched_at)
      select client_id, body, sha256(body), 'application/json', 1, now()
      from made, lateral (select convert_to(json_build_object('client_id', client_id)::text, 'UTF8') as body) as b
    )
    insert into cimd.schedule (client_ref, due_at) select id, now() + interval '1 day' from made`.execute(
    store.owner,
  )
  await sql`
    update cimd.clients c set version_id = v.id, state = 'failing', validated_at = now(), fresh_until = now(),
      revalidate_until = now(), usable_until = now() + interval '15 minutes', failure_code = 'status_404',
      failing_since = now(), withdrawing_code = 'status_404', withdrawing_since = now()
    from cimd.versions v where v.client_id = c.client_id`.execute(store.owner)
}

/** A key set or logo of a client that was valid, and of which this has just been found. */
export async function plantResource(
  { owner }: TestStore,
  client: string,
  kind: LinkedKind,
  code: FailureCode,
  body = Buffer.from('{"keys":[]}'),
): Promise<void> {
  const isWord = ['withdrawn', 'rejected'].includes(classOf(code))
  const grace = classOf(code) === 'unreachable' ? 24 * 60 : 15
  await sql`
    insert into cimd.resources (client_ref, kind, url, host, state, done, digest, body, validated_at, fresh_until,
      usable_until, failure_code, failing_since, withdrawing_code, withdrawing_since, attempted_at, due_at)
    select ${client}, ${kind}, 'https://keys.example.net/', 'keys.example.net', 'failing', 1, sha256(${body}), ${body},
      t.now, t.now, t.now + make_interval(mins => ${grace}), ${code}, t.now,
      case when ${isWord} then ${code} end, case when ${isWord} then t.now end, t.now, t.now
    from (select cimd.cimd_now() as now) as t`.execute(owner)
}

export async function idOf(store: TestStore, client: string): Promise<ClientIdUrl> {
  const row = await store.owner
    .selectFrom('cimd.clients')
    .select('client_id')
    .where('id', '=', client)
    .executeTakeFirstOrThrow()
  return row.client_id as ClientIdUrl
}

export function viewOf(store: TestStore, clientId: ClientIdUrl) {
  return withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
}

export async function usabilityFor(store: TestStore, client: string) {
  const { standing, now, terms } = await viewOf(store, await idOf(store, client))
  return usabilityOf(standing, now, terms)
}

export async function isDue(store: TestStore, client: string): Promise<boolean> {
  return (await dueOf(store)).some((due) => due.client === client)
}

export function dueOf(store: TestStore) {
  return store.scheduler.transaction().execute((trx) => lockDueClients(trx, 100))
}

export async function eventsOf(store: TestStore, client: string): Promise<string[]> {
  const rows = await store.owner
    .selectFrom('cimd.outbox')
    .select('type')
    .where('client_ref', '=', client)
    .orderBy('client_seq')
    .execute()
  return rows.map(({ type }) => type)
}
