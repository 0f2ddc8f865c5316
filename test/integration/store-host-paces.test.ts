import { type DueAction, type HostPace, paceRefreshes } from '@cimd/core'
import { createSweepDeps, sweepDueWork } from '@cimd/scheduler'
import {
  applyDueActions,
  claimClient,
  type Db,
  deleteEndedPaces,
  inTransaction,
  lockDueClients,
  lockHostPaces,
  saveHostPaces,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  CLAIM_LEASE_SECONDS,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
} from './store-bundle.ts'

const HOST = 'busy.example.net'

describeStore('the paces of hosts (FET-23)', () => {
  it('are free at first, and then as they were written', async () => {
    await using store = await setup()
    const [now, first] = await inTransaction(store.scheduler, async (trx) => [
      await clockOf(trx),
      await lockHostPaces(trx, [HOST, 'other.example.net', HOST]),
    ])
    expect(first).toEqual(
      new Map([
        [HOST, paceOf(now)],
        ['other.example.net', paceOf(now)],
      ]),
    )
    const pace = paceOf(new Date(now.getTime() + 60_000), new Date(now.getTime() + 1000))
    await inTransaction(store.scheduler, (trx) => saveHostPaces(trx, new Map([[HOST, pace]])))
    expect(await inTransaction(store.scheduler, (trx) => lockHostPaces(trx, [HOST]))).toEqual(
      new Map([[HOST, pace]]),
    )
  })

  it('give every turn once to 8 sweeps at once that lock many hosts in any order', async () => {
    await using store = await setup()
    const hosts = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example.net`)
    const given = new Map<string, number[]>(hosts.map((host) => [host, []]))
    const now = await clockOf(store.owner)
    const takeTurns = (order: readonly string[]): Promise<void> =>
      inTransaction(store.scheduler, async (trx) => {
        const due = order.map((host) => ({
          ...{ client: host, host, turnAt: undefined, deciding: false, attemptedAt: undefined },
        }))
        const paced = paceRefreshes(due, await lockHostPaces(trx, order), { refreshesPerMinute: 60, now })
        await saveHostPaces(trx, paced.paces)
        for (const [host, { nextTurnAt }] of paced.paces) given.get(host)?.push(nextTurnAt.getTime())
      })
    await Promise.all(
      Array.from({ length: 8 }, async (_, sweep) => {
        const order = sweep % 2 > 0 ? hosts.toReversed() : hosts
        for (let turn = 0; turn < 10; turn += 1) await takeTurns(order)
      }),
    )
    for (const host of hosts) {
      const turns = (given.get(host) ?? []).toSorted((a, b) => a - b)
      expect(new Set(turns).size).toBe(80)
      expect(turns.at(-1)).toBe((turns[0] ?? 0) + 79_000)
    }
  })

  it('are free again when the clock has been set back', async () => {
    await using store = await setup()
    await store.moveClock(25 * 3600)
    await inTransaction(store.scheduler, (trx) => lockHostPaces(trx, [HOST]))
    await store.moveClock(0)
    const [now, paces] = await inTransaction(store.scheduler, async (trx) => [
      await clockOf(trx),
      await lockHostPaces(trx, [HOST]),
    ])
    expect(paces).toEqual(new Map([[HOST, paceOf(now)]]))
  })

  it.each<[string, [turn: number, start: number]]>([
    ['turns are taken', [60_000, 0]],
    ['refreshes have begun', [0, 60_000]],
  ])('are deleted once they hold nothing back, where %s', async (_, [turn, start]) => {
    await using store = await setup()
    const nowMs = (await clockOf(store.owner)).getTime()
    await inTransaction(store.scheduler, async (trx) => {
      await lockHostPaces(trx, [HOST, 'other.example.net'])
      const pace = paceOf(new Date(nowMs + turn), new Date(nowMs + start))
      await saveHostPaces(trx, new Map([[HOST, pace]]))
    })
    expect(await deleteEndedPaces(store.scheduler, 10)).toBe(1)
    await store.moveClock(61)
    expect(await deleteEndedPaces(store.scheduler, 10)).toBe(1)
  })
})

describeStore('a refresh that waits for its turn', () => {
  it('is wanted, deferred until then, and due again at its turn', async () => {
    await using store = await setup()
    const client = await refreshed(store)
    const turnAt = await postpone(store, client, 600)
    expect(await store.row(client)).toMatchObject({ wanted: 1, done: 0, deferred_until: turnAt })
    expect(await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)).toBeUndefined()
    expect(await due(store.scheduler)).toEqual([])
    await store.moveClock(601)
    expect(await due(store.scheduler)).toEqual([{ client, host: HOST, turnAt }])
    expect(await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)).toMatchObject({ urgent: false })
  })

  it('may be given another turn when it has missed it, and is not raised again', async () => {
    await using store = await setup()
    const client = await refreshed(store)
    await postpone(store, client, 600)
    await store.moveClock(3600)
    const lookAgainAt = new Date(0)
    const turnAt = await postpone(store, client, 4200, { kind: 'enqueue', queue: 'refresh', lookAgainAt })
    expect(await store.row(client)).toMatchObject({ wanted: 1, deferred_until: turnAt })
  })

  it('that was enqueued at its turn has had it', async () => {
    await using store = await setup()
    const client = await refreshed(store)
    await postpone(store, client, 600)
    await store.moveClock(601)
    const lookAgainAt = new Date((await clockOf(store.owner)).getTime() + 60_000)
    const action: DueAction = { kind: 'enqueue', queue: 'refresh', lookAgainAt }
    await inTransaction(store.scheduler, (trx) => applyDueActions(trx, [{ client, action }]))
    await store.moveClock(700)
    expect(await due(store.scheduler)).toEqual([{ client, host: HOST, turnAt: undefined }])
  })

  it('is a user\u2019s at once when one demands it', async () => {
    await using store = await setup()
    const client = await refreshed(store)
    await postpone(store, client, 600)
    const { rows } = await sql<{ client_id: string }>`select client_id from cimd.clients`.execute(store.owner)
    const raised = await store.demand(identify(rows[0]?.client_id))
    expect(raised).toEqual({ client, generation: 1, enqueue: true })
    expect(await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)).toMatchObject({ urgent: true })
  })
})

describeStore('a retry that decides on a publisher\u2019s word', () => {
  it('does not wait behind more documents of its host than the grace has room for (CAC-14)', async () => {
    await using store = await setup()
    const clientId = identify(`https://${HOST}/false-alarm.json`)
    await store.fetch(clientId)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    const { rows } = await sql<{ client: string }>`select id::text as client from cimd.clients`.execute(
      store.owner,
    )
    const [{ client } = { client: '' }] = rows
    await makeDue(store, 4900)
    const enqueued: string[] = []
    const deps = createSweepDeps(store.scheduler, {
      waitingCount: async () => 0,
      enqueue: async (_queue, clients) => void enqueued.push(...clients),
    })
    const sweep = () => sweepDueWork(deps, { refreshQueueMax: 1000, hostRefreshesPerMinute: 300 })
    for (let sweeps = 0; sweeps < 10; sweeps += 1) await sweep()
    expect(enqueued.length).toBeGreaterThan(0)
    expect(enqueued).not.toContain(client)
    const [line] = await store.owner.selectFrom('cimd.host_paces').select('next_turn_at').execute()
    expect((line?.next_turn_at.getTime() ?? 0) - Date.now()).toBeGreaterThan(15 * 60_000)

    await store.moveClock(61)
    const asked = new Set(enqueued)
    enqueued.length = 0
    await sweep()
    expect(enqueued).toContain(client)
    // What is asked of the host is no more for it.
    expect(enqueued.filter((one) => !asked.has(one)).length).toBeLessThanOrEqual(6)
    expect(await store.row(client)).toMatchObject({ wanted: 3, done: 2, deferred_until: null })
  })
})

function paceOf(nextTurnAt: Date, nextStartAt = nextTurnAt): HostPace {
  return { nextTurnAt, nextStartAt }
}

/** A client that a sweep may refresh. */
async function refreshed({ owner }: TestStore): Promise<string> {
  const { rows } = await sql<{ client: string }>`
    with client as (
      insert into cimd.clients (client_id, host) values (${`https://${HOST}/client.json`}, ${HOST}) returning id
    )
    insert into cimd.schedule (client_ref, due_at) select id, now() from client
    returning client_ref::text as client`.execute(owner)
  return rows[0]?.client ?? ''
}

/** Clients of the host, resolved a moment ago and due since. */
async function makeDue({ owner, tenant }: TestStore, count: number): Promise<void> {
  await sql`
    with made as (
      insert into cimd.clients (client_id, host, attempted_at)
      select 'https://' || ${HOST} || '/' || n, ${HOST}, now() - interval '1 hour' from generate_series(1, ${count}) n
      returning id
    ), used as (
      insert into cimd.interest (tenant_id, client_ref, since_seq, first_demand_at, last_resolved_at, leased_until)
      select ${tenant}, id, 0, now(), now(), now() + interval '30 days' from made
    )
    insert into cimd.schedule (client_ref, due_at) select id, now() from made`.execute(owner)
}

async function postpone(
  store: TestStore,
  client: string,
  seconds: number,
  action: DueAction = { kind: 'refresh', lookAgainAt: new Date(0) },
): Promise<Date> {
  const notBefore = new Date(Date.now() + seconds * 1000)
  await inTransaction(store.scheduler, (trx) => applyDueActions(trx, [{ client, action, notBefore }]))
  return notBefore
}

async function due(scheduler: Db) {
  const locked = await inTransaction(scheduler, (trx) => lockDueClients(trx, 10))
  return locked.map(({ client, host, turnAt }) => ({ client, host, turnAt }))
}

async function clockOf(db: Db): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select cimd.cimd_now() as now`.execute(db)
  return rows[0]?.now ?? new Date(0)
}
