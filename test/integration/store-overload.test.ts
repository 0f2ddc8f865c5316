import { countOverloadFacts, deferClaim, recordAttempt, updateAdvertise } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const factsOf = ({ api }: TestStore) => countOverloadFacts(api)

describeStore('what is known of how users are answered', () => {
  it('is that nobody waits and nothing was answered, on a new store', async () => {
    await using store = await setup()
    expect(await factsOf(store)).toEqual({
      waiting: 0,
      lately: { waiting: 0, oldestSeconds: 0 },
      answered: { count: 0, seconds: 10 },
      fetchersGone: false,
    })
  })

  it('has who waits, as long as nobody takes it up, and since when', async () => {
    await using store = await setup()
    await store.demand(identify(), { urgent: false })
    const clientId = identify()
    const { client } = await store.demand(clientId)
    await store.demand(clientId, { tenant: store.otherTenant })
    await store.demand(identify())
    expect(await factsOf(store)).toMatchObject({ waiting: 2, lately: { waiting: 2 } })
    const claim = await store.claim(client)
    expect(await factsOf(store)).toMatchObject({ waiting: 1, lately: { waiting: 1 } })
    await deferClaim(store.fetcher, claim, 'host_budget', 30)
    expect((await factsOf(store)).waiting).toBe(1)
    await store.moveClock(20)
    const { waiting, lately } = await factsOf(store)
    expect([waiting, lately.waiting]).toEqual([1, 1])
    expect(lately.oldestSeconds).toBeGreaterThanOrEqual(20)
    expect(lately.oldestSeconds).toBeLessThan(50)
  })

  it('has those who came a minute ago and more among all, until the sweeps are that late', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const putOff = (seconds: number) =>
      sql`update cimd.schedule set due_at = due_at + make_interval(secs => ${seconds}) where client_ref = ${client}`.execute(
        store.owner,
      )
    await putOff(50)
    await store.moveClock(61)
    await store.demand(identify())
    expect(await factsOf(store)).toMatchObject({ waiting: 2, lately: { waiting: 1 } })
    await putOff(-60)
    expect(await factsOf(store)).toMatchObject({ waiting: 1, lately: { waiting: 1 } })
  })

  it('counts what was answered to users, for as long as somebody waits', async () => {
    await using store = await setup()
    for (let turn = 0; turn < 3; turn += 1) await store.fetch(identify())
    const { client: nobodys } = await store.demand(identify(), { urgent: false })
    await recordAttempt(store.fetcher, validRecord(await store.claim(nobodys)))
    expect((await factsOf(store)).answered).toEqual({ count: 3, seconds: 10 })
    await store.moveClock(5)
    await store.demand(identify())
    await store.fetch(identify())
    await store.moveClock(8)
    const { answered } = await factsOf(store)
    expect(answered.count).toBe(1)
    expect(answered.seconds).toBeGreaterThanOrEqual(3)
    expect(answered.seconds).toBeLessThan(10)
    await store.moveClock(60)
    expect((await factsOf(store)).answered).toEqual({ count: 0, seconds: 10 })
  })

  it('has the rate of the newest where very many were answered', async () => {
    await using store = await setup()
    await store.fetch(identify())
    await sql`insert into cimd.attempts (client_ref, generation, started_at, finished_at, outcome, applied, failure_code, evidence)
      select id, 1, cimd.cimd_now(), cimd.cimd_now() - interval '2 seconds', 'failed', true, 'dns_failed', '{}'
      from cimd.clients, generate_series(1, 600)`.execute(store.owner)
    const { count, seconds } = (await factsOf(store)).answered
    expect(count).toBe(500)
    expect(seconds).toBeGreaterThanOrEqual(2)
    expect(seconds).toBeLessThan(9)
  })

  it('has that fetchers are gone as long as authorization servers are told', async () => {
    await using store = await setup()
    const judge = (why: 'fetchers_gone' | 'egress_broken') =>
      updateAdvertise(store.scheduler, (before, _facts, now) => ({
        ...before,
        ...{ advertise: false, why, since: now, judgedAt: now },
      }))
    await judge('fetchers_gone')
    expect((await factsOf(store)).fetchersGone).toBe(true)
    await store.moveClock(31)
    expect((await factsOf(store)).fetchersGone).toBe(false)
    await judge('egress_broken')
    expect((await factsOf(store)).fetchersGone).toBe(false)
  })

  it('is read from few rows, however many clients there are or are overdue', async () => {
    await using store = await setup()
    await sql`insert into cimd.clients (client_id, host, wanted, urgent, done, attempted_at)
      select 'https://client.example.com/' || n, 'client.example.com', 1, 1, 1, cimd.cimd_now()
      from generate_series(1, 100000) n`.execute(store.owner)
    await sql`insert into cimd.attempts (client_ref, generation, started_at, finished_at, outcome, applied, failure_code, evidence)
      select id, 1, cimd.cimd_now(), cimd.cimd_now() - interval '1 hour', 'failed', true, 'dns_failed', '{}'
      from cimd.clients order by id`.execute(store.owner)
    await sql`insert into cimd.schedule (client_ref, due_at, urgent_since)
      select id, cimd.cimd_now() + make_interval(secs => id % 3600), cimd.cimd_now() - interval '1 day'
      from cimd.clients`.execute(store.owner)
    await store.demand(identify())
    const ahead = await countRead(store)
    expect(ahead.facts.waiting).toBe(1)
    expect(ahead.rows).toBeLessThan(5000)
    // Nobody sweeps: everything is overdue, and the planner knows nothing of it.
    await sql`update cimd.schedule set due_at = due_at - interval '1 hour'
      where urgent_since < cimd.cimd_now() - interval '1 hour'`.execute(store.owner)
    const overdue = await countRead(store)
    expect(overdue.facts.waiting).toBe(1)
    expect(overdue.rows).toBeLessThan(15_000)
  }, 120_000)
})

/** The facts, and how many rows of tables were read for them. */
async function countRead({ api }: TestStore) {
  return api.transaction().execute(async (trx) => {
    const facts = await countOverloadFacts(trx)
    const { rows } = await sql<{ read: number }>`
      select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 as read
      from pg_stat_xact_user_tables where schemaname = 'cimd'`.execute(trx)
    return { facts, rows: rows[0]?.read ?? Number.NaN }
  })
}
