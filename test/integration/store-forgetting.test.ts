import type { ClientIdUrl } from '@cimd/core'
import {
  addCanary,
  countUse,
  forgetClients,
  issueTicket,
  notePseudonym,
  recordAttempt,
  relayOutbox,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const DAY = 86_400
const A_DAY = DAY + 60
const DORMANT_DAYS = 60

describeStore('forgetting (CAC-19)', () => {
  it('takes a client that was never valid after a day without a demand, and no trace stays', async () => {
    await using store = await setup()
    const { client, generation } = await failed(store)
    await withTenant(store.api, store.tenant, (trx) => issueTicket(trx, client, generation))
    await store.moveClock(DAY - 60)
    expect(await forget(store)).toBe(0)
    await store.moveClock(A_DAY)
    expect(await forget(store)).toBe(1)
    expect(await traces(store)).toEqual([])
  })

  it('counts the day from the last demand of any tenant', async () => {
    await using store = await setup()
    const { clientId } = await failed(store)
    await store.moveClock(DAY / 2)
    await failed(store, clientId, store.otherTenant)
    await store.moveClock(A_DAY)
    expect(await forget(store)).toBe(0)
    await store.moveClock(DAY / 2 + A_DAY)
    expect(await forget(store)).toBe(1)
  })

  it('takes a dormant client with all that hangs on it', async () => {
    await using store = await setup()
    const client = await dormant(store)
    await fillIn(store, client)
    await store.moveClock(DORMANT_DAYS * DAY - 60)
    expect(await forget(store)).toBe(0)
    await store.moveClock(DORMANT_DAYS * DAY + 60)
    expect(await forget(store)).toBe(1)
    expect(await traces(store)).toEqual([])
  })

  it.each<[string, (store: TestStore, client: string) => Promise<unknown>]>([
    [
      'is wanted',
      (store, client) =>
        sql`update cimd.clients set wanted = wanted + 1 where id = ${client}`.execute(store.owner),
    ],
    ['is bound', (store, client) => bind(store, client, '1 year')],
    [
      'is approved',
      (store, client) =>
        sql`insert into cimd.approvals (tenant_id, client_ref, version_id)
          select ${store.tenant}, id, version_id from cimd.clients where id = ${client}`.execute(store.owner),
    ],
    [
      'is a canary',
      (store, client) => sql`insert into cimd.canaries (client_ref) values (${client})`.execute(store.owner),
    ],
    [
      'has keys that are being fetched',
      (store, client) =>
        sql`insert into cimd.resources (client_ref, kind, url, host, claimed, claim_token, claim_until) values
          (${client}, 'jwks', 'https://a.example.net/jwks', 'a.example.net', 1, gen_random_uuid(),
            now() + interval '1 year')`.execute(store.owner),
    ],
  ])('spares a dormant client that %s', async (_what, given) => {
    await using store = await setup()
    const client = await dormant(store)
    await given(store, client)
    await store.moveClock(DORMANT_DAYS * DAY + 60)
    expect(await forget(store)).toBe(0)
    expect(await clientIds(store)).toHaveLength(1)
  })

  it('spares clients that are valid and used, and canaries that were never valid', async () => {
    await using store = await setup()
    await store.fetch(identify())
    await addCanary(store.owner, { clientId: identify(), host: 'client.example.net' })
    await sql`update cimd.clients set done = wanted`.execute(store.owner)
    await store.moveClock(DORMANT_DAYS * DAY)
    expect(await forget(store)).toBe(0)
  })

  it('deletes no more rows by one statement than it can in time, and still all of them', async () => {
    await using store = await setup()
    const rowsPerStatement = 3
    await boundDeletes(store, rowsPerStatement)
    for (const clientId of [identify(), identify()]) {
      for (const client_name of ['1', '2', '3', '4', '5']) {
        const { client } = await store.demand(clientId, { forced: true })
        await recordAttempt(store.fetcher, validRecord(await store.claim(client), { client_name }))
        await use(store, client, `user ${client_name}`)
      }
    }
    await relayOutbox(store.scheduler, 100)
    await store.owner.updateTable('cimd.clients').set({ dormant_since: new Date() }).execute()
    await store.moveClock(DORMANT_DAYS * DAY + 60)
    await expect(forgetClients(store.scheduler, 100)).rejects.toThrow('more than 3 rows at once')
    expect(await forgetClients(store.scheduler, 100, { rowsPerStatement })).toBe(2)
    expect(await traces(store)).toEqual([])
  })

  it('keeps what it has done when it is interrupted, and of a client the newest attempts for last', async () => {
    await using store = await setup()
    const clientId = identify()
    for (const client_name of ['1', '2', '3', '4', '5']) {
      await store.fetch(clientId, (claim) => validRecord(claim, { client_name }))
    }
    await store.owner.updateTable('cimd.clients').set({ dormant_since: new Date() }).execute()
    await store.moveClock(DORMANT_DAYS * DAY + 60)
    await sql`create function cimd.refuse_newest() returns trigger language plpgsql as
      $$ begin if old.generation = 5 then raise 'interrupted'; end if; return old; end $$`.execute(
      store.owner,
    )
    await sql`create trigger refuse_newest before delete on cimd.attempts
      for each row execute function cimd.refuse_newest()`.execute(store.owner)
    await expect(forgetClients(store.scheduler, 100, { rowsPerStatement: 2 })).rejects.toThrow('interrupted')
    const left = await store.owner.selectFrom('cimd.attempts').select('generation').execute()
    expect(left).toEqual([{ generation: 5 }])
    expect(await clientIds(store)).toEqual([clientId])
    expect(await store.owner.selectFrom('cimd.interest').select('tenant_id').execute()).toEqual([])
  })

  it('takes no more than it is told to', async () => {
    await using store = await setup()
    for (let made = 0; made < 5; made += 1) await failed(store)
    await store.moveClock(A_DAY)
    expect(await forgetClients(store.scheduler, 3)).toBe(3)
    expect(await forgetClients(store.scheduler, 3)).toBe(2)
  })
})

describeStore('a demand beside forgetting', () => {
  it('that holds the client keeps it', async () => {
    await using store = await setup()
    const { client } = await failed(store)
    await store.moveClock(A_DAY)
    await store.owner.transaction().execute(async (trx) => {
      await sql`update cimd.clients set wanted = wanted + 1 where id = ${client}`.execute(trx)
      expect(await forget(store)).toBe(0)
    })
    expect(await forget(store)).toBe(0)
  })

  it('that arrives in the middle waits, and makes the client anew', async () => {
    await using store = await setup()
    const { clientId, client } = await failed(store)
    await store.moveClock(A_DAY)
    const { forgetting, demanding } = await store.owner.transaction().execute(async (trx) => {
      // What is to be deleted is held, so that the forgetting stands still with its locks.
      await sql`select from cimd.attempts for update`.execute(trx)
      const forgetting = forget(store)
      await store.untilBlocked(1)
      const demanding = store.demand(clientId)
      await store.untilBlocked(2)
      return { forgetting, demanding }
    })
    expect(await forgetting).toBe(1)
    const raised = await demanding
    expect(raised).toMatchObject({ generation: 1, enqueue: true })
    expect(raised.client).not.toBe(client)
    await recordAttempt(store.fetcher, validRecord(await store.claim(raised.client)))
    expect((await store.row(raised.client)).state).toBe('valid')
  })

  it('that had read the client before it went makes it anew', async () => {
    await using store = await setup()
    const { clientId } = await failed(store)
    await store.moveClock(A_DAY)
    let forgotten = 0
    const raised = await store.demand(clientId, {
      afterReading: async () => {
        forgotten = await forget(store)
      },
    })
    expect(forgotten).toBe(1)
    expect(raised).toMatchObject({ generation: 1, enqueue: true })
    expect(await clientIds(store)).toEqual([clientId])
  })

  it('never fails, however often both meet', async () => {
    await using store = await setup()
    const clientIds = Array.from({ length: 4 }, () => identify())
    let forgotten = 0
    for (let round = 1; round <= 15; round += 1) {
      await store.moveClock(round * A_DAY)
      const demands = [0, 1, 2].flatMap(() => clientIds.map((clientId) => store.demand(clientId)))
      const forgettings = [0, 1, 2].map(() => forget(store))
      for (const count of await Promise.all(forgettings)) forgotten += count
      const clients = new Set((await Promise.all(demands)).map(({ client }) => client))
      expect(clients.size).toBe(clientIds.length)
      for (const client of clients) {
        await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_404'))
      }
    }
    await store.moveClock(17 * A_DAY)
    expect(await forget(store)).toBe(clientIds.length)
    expect(forgotten).toBeGreaterThan(0)
  })
})

function forget({ scheduler }: TestStore): Promise<number> {
  return forgetClients(scheduler, 100)
}

async function failed(store: TestStore, clientId: ClientIdUrl = identify(), tenant = store.tenant) {
  const { client, generation } = await store.demand(clientId, { tenant })
  await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_404'))
  return { clientId, client, generation }
}

/** A valid client that has just become dormant. */
async function dormant(store: TestStore): Promise<string> {
  const { client } = await store.demand(identify())
  await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
  await sql`update cimd.clients set dormant_since = cimd.cimd_now() where id = ${client}`.execute(store.owner)
  return client
}

/** A row in every table that refers to a client. */
async function fillIn(store: TestStore, client: string): Promise<void> {
  await relayOutbox(store.scheduler, 100)
  await bind(store, client, '1 day')
  await withTenant(store.api, store.tenant, (trx) => issueTicket(trx, client, 1))
  await use(store, client, 'alice')
  await sql`insert into cimd.effective_documents
    (tenant_id, digest, client_ref, approved_version_id, current_version_id, given_at)
    select ${store.tenant}, '\\x00', id, version_id, version_id, now() from cimd.clients`.execute(store.owner)
  await sql`insert into cimd.resources (client_ref, kind, url, host)
    values (${client}, 'jwks', 'https://client.example.net/jwks', 'client.example.net')`.execute(store.owner)
  await sql`insert into cimd.decisions (tenant_id, client_ref, decision, version_id, baseline_version_id)
    select ${store.tenant}, id, 'admitted', version_id, version_id from cimd.clients`.execute(store.owner)
  await sql`insert into cimd.policy_reports (tenant_id, client_ref, policy_version, difference, reasons)
    select ${store.tenant}, id, 1, 'newly_held', '[]' from cimd.clients`.execute(store.owner)
  const empty = (await counts(store)).filter(({ rows }) => rows === 0).map(({ name }) => name)
  expect(empty).toEqual(['approvals', 'canaries', 'fetch_places', 'registrations'])
}

function use({ api, tenant }: TestStore, client: string, subject: string): Promise<void> {
  return withTenant(api, tenant, async (trx) => {
    const pseudonym = await notePseudonym(trx, subject)
    await countUse(trx, { client, domain: 'example.net', pseudonym }, { fleet: true })
  })
}

async function bind({ owner, tenant }: TestStore, client: string, lease: string): Promise<void> {
  await sql`insert into cimd.bindings (tenant_id, client_ref, version_id, kind, bound_at, bound_until)
    select ${tenant}, id, version_id, 'consent', now(), now() + ${lease}::interval
    from cimd.clients where id = ${client}`.execute(owner)
}

/** Makes every statement fail that deletes more rows of what clients have in any number. */
async function boundDeletes({ owner }: TestStore, rows: number): Promise<void> {
  await sql`create function cimd.refuse_many() returns trigger language plpgsql as $$
    begin
      if (select count(*) from gone) > tg_argv[0]::integer then
        raise 'more than % rows at once', tg_argv[0];
      end if;
      return null;
    end $$`.execute(owner)
  for (const table of ['attempts', 'feed', 'outbox', 'client_subjects']) {
    await sql`create trigger refuse_many after delete on ${sql.table(`cimd.${table}`)}
      referencing old table as gone for each statement execute function cimd.refuse_many(${sql.lit(String(rows))})`.execute(
      owner,
    )
  }
}

async function clientIds({ owner }: TestStore): Promise<string[]> {
  const rows = await owner.selectFrom('cimd.clients').select('client_id').execute()
  return rows.map(({ client_id }) => client_id)
}

/** Tables in which something of a client is left. */
async function traces(store: TestStore): Promise<string[]> {
  return (await counts(store)).filter(({ rows }) => rows > 0).map(({ name }) => name)
}

/** Every table with a foreign key to clients, directly or not, so that a new one is not overlooked. */
async function counts({ owner }: TestStore): Promise<{ name: string; rows: number }[]> {
  const { rows: tables } = await sql<{ name: string }>`
    with recursive referring (oid) as (
      select 'cimd.clients'::regclass::oid
      union select c.conrelid from pg_constraint c join referring r on c.confrelid = r.oid where c.contype = 'f'
    )
    select relname as name from pg_class join referring using (oid) order by relname`.execute(owner)
  const counted: { name: string; rows: number }[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(`cimd.${name}`)}`.execute(
      owner,
    )
    counted.push({ name, rows: rows[0]?.n ?? -1 })
  }
  return counted
}
