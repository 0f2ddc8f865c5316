import { inTransaction, lockDueResources } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

describeStore('due key sets and logos', () => {
  it('are shared out: key sets before logos, and no tenant\u2019s backlog delays another\u2019s', async () => {
    await using store = await setup()
    const backlog = await makeDueResources(store, store.tenant, 40)
    const late = await makeDueResources(store, store.otherTenant, 2)
    const keysOf = (clients: readonly string[]) => clients.map((client) => `${client} jwks`)
    const first = await lockedKinds(store, 4)
    expect(first).toEqual(expect.arrayContaining(keysOf([...late, ...backlog.slice(0, 2)])))
    const all = await lockedKinds(store, 500)
    expect(all).toHaveLength(84)
    expect(all.slice(0, 42)).toEqual(expect.arrayContaining(keysOf([...late, ...backlog])))
    expect(all.slice(42, 46)).toEqual(expect.arrayContaining(late.map((client) => `${client} logo`)))
  })

  it('are key sets first although more logos than one sweep ranks have been due for longer', async () => {
    await using store = await setup()
    await makeDueResources(store, store.tenant, 10_100)
    await sql`delete from cimd.resources where kind = 'jwks'`.execute(store.owner)
    const [client] = await makeDueResources(store, store.otherTenant, 1)
    expect((await lockedKinds(store, 2))[0]).toBe(`${client} jwks`)
  })
})

/** Clients whose key sets and logos are due, those of the first made for longest. */
async function makeDueResources({ owner }: TestStore, tenant: string, count: number): Promise<string[]> {
  const { rows } = await sql<{ client: string }>`
    with made as (
      insert into cimd.clients (client_id, host)
      select 'https://due.example.net/' || gen_random_uuid(), 'due.example.net' from generate_series(1, ${count})
      returning id
    ), used as (
      insert into cimd.interest (tenant_id, client_ref, since_seq, first_demand_at, last_resolved_at, leased_until)
      select ${tenant}, id, 0, now(), now(), now() + interval '30 days' from made
    ), named as (
      insert into cimd.resources (client_ref, kind, url, host, done, due_at)
      select id, kind, 'https://due.example.net/', 'due.example.net', 1, now() - interval '1 day' + id * interval '1 second'
      from made, unnest(array['logo', 'jwks']) as kind
    )
    select id::text as client from made order by id`.execute(owner)
  return rows.map(({ client }) => client)
}

async function lockedKinds({ owner, scheduler }: TestStore, limit: number): Promise<string[]> {
  const due = await inTransaction(scheduler, (trx) => lockDueResources(trx, limit))
  const { rows } = await sql<{ id: string; kind: string }>`select id::text, kind from cimd.resources`.execute(
    owner,
  )
  const kinds = new Map(rows.map(({ id, kind }) => [id, kind]))
  return due.map(({ client, resource }) => `${client} ${kinds.get(resource)}`)
}
