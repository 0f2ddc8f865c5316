import { type DueAction, decideDueWork } from '@cimd/core'
import {
  applyDueActions,
  claimClient,
  type Db,
  inTransaction,
  lockDueClients,
  recordAttempt,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  CLAIM_LEASE_SECONDS,
  createGate,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

describeStore('a sweep', () => {
  it('sees only what is due on the clock of the database', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    expect(await dueClients(store)).toEqual([])
    await store.moveClock(6)
    expect(await dueClients(store)).toEqual([client])
  })

  it('is fair: of 200 due for one tenant and 2 for another, the 2 are among the first 4', async () => {
    await using store = await setup()
    await makeDue(store, store.tenant, 200, 'many')
    const few = await makeDue(store, store.otherTenant, 2, 'few')
    expect(await dueClients(store, 4)).toEqual(expect.arrayContaining(few))
  })

  it('takes the oldest of each tenant first', async () => {
    await using store = await setup()
    const [oldest, second] = await makeDue(store, store.tenant, 50, 'many')
    expect(await dueClients(store, 2)).toEqual([oldest, second])
  })

  it('puts the lost work of users before everything else', async () => {
    await using store = await setup()
    const due = await makeDue(store, store.tenant, 50, 'many')
    await makeDue(store, store.otherTenant, 1, 'few')
    const urgent = due.at(-1) ?? ''
    await sql`update cimd.clients set wanted = 1, urgent = 1 where id = ${urgent}`.execute(store.owner)
    expect((await dueClients(store, 3))[0]).toBe(urgent)
  })

  it('finds the lost work of users behind any number of refreshes', async () => {
    await using store = await setup()
    await makeDue(store, store.tenant, 11_000, 'many')
    const [urgent = ''] = await makeDue(store, store.otherTenant, 1, 'few')
    await sql`update cimd.clients set wanted = 1, urgent = 1 where id = ${urgent}`.execute(store.owner)
    expect((await dueClients(store, 3))[0]).toBe(urgent)
  })

  it('takes its time from what is due, also where the planner believes that nothing is', async () => {
    await using store = await setup()
    await makeDue(store, store.tenant, 20_000, 'many')
    await sql`update cimd.schedule set due_at = due_at + interval '10 days'`.execute(store.owner)
    await sql`analyze cimd.clients, cimd.schedule, cimd.interest`.execute(store.owner)
    await sql`update cimd.schedule set due_at = now() - interval '1 minute' where client_ref % 4 = 0`.execute(
      store.owner,
    )
    const before = performance.now()
    expect(await dueClients(store)).toHaveLength(500)
    // To look for each of 5,000 among all of them took longer than a statement may.
    expect(performance.now() - before).toBeLessThan(8000)
  })

  it('tells what decides: generations, claim, attempt and the tenants that use the client', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_5xx'))
    const { client } = await store.demand(clientId, { tenant: store.otherTenant })
    const claim = await store.claim(client)
    await store.moveClock(6)
    const [due, ...more] = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, 10))
    expect(more).toEqual([])
    expect(due).toMatchObject({ client, facts: { wanted: 2, done: 1, urgent: 2, failing: true } })
    expect(due?.facts.claimUntil).toEqual(new Date(claim.claimedAt.getTime() + CLAIM_LEASE_SECONDS * 1000))
    expect(due?.facts.attemptedAt).toBeInstanceOf(Date)
    const leaseDays = ((due?.facts.leasedUntil?.getTime() ?? 0) - (due?.now.getTime() ?? 0)) / 86_400_000
    expect(leaseDays).toBeCloseTo(30, 1)
  })
})

describeStore('sweeps at once', () => {
  it('share the work and never wait for each other', async () => {
    await using store = await setup()
    const due = await makeDue(store, store.tenant, 10, 'many')
    const first = await holdSweep(store.scheduler, 4)
    const second = await holdSweep(store.scheduler, 4)
    const third = await holdSweep(store.scheduler, 4)
    const locked = [first, second, third].flatMap((sweep) => sweep.locked)
    await Promise.all([first, second, third].map((sweep) => sweep.end()))
    expect(locked.toSorted()).toEqual(due.toSorted())
  })

  it('pass over a client that a demand has locked', async () => {
    await using store = await setup()
    const [one, two] = await makeDue(store, store.tenant, 2, 'many')
    await store.owner.transaction().execute(async (trx) => {
      await sql`update cimd.clients set wanted = wanted + 1 where id = ${one}`.execute(trx)
      expect(await dueClients(store)).toEqual([two])
    })
  })

  it('do not take again what another has just dealt with', async () => {
    await using store = await setup()
    const [client = ''] = await makeDue(store, store.tenant, 1, 'many')
    const lookAgainAt = new Date(Date.now() + 60_000)
    await sweep(store.scheduler, () => ({ kind: 'refresh', lookAgainAt }))
    expect(await dueClients(store)).toEqual([])
    expect(await store.row(client)).toMatchObject({ wanted: 1 })
  })

  it('neither deadlock with demands and recordings nor lose a demand', async () => {
    await using store = await setup()
    const clientIds = Array.from({ length: 6 }, () => identify())
    const clients: string[] = []
    for (const clientId of clientIds) clients.push((await store.demand(clientId)).client)
    const pick = <T>(items: readonly T[], turn: number): T => items[turn % items.length] as T
    const repeat = async (turns: number, work: (turn: number) => Promise<unknown>): Promise<void> => {
      for (let turn = 0; turn < turns; turn += 1) await work(turn)
    }
    const fetchOnce = async (client: string): Promise<void> => {
      const claim = await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)
      if (claim) await recordAttempt(store.fetcher, validRecord(claim))
    }
    // Due at once, whatever was decided: the sweeps meet the others as often as they can.
    const now = { kind: 'refresh', lookAgainAt: new Date(0) } as const
    await Promise.all([
      ...[0, 1, 2].map(() => repeat(40, () => sweep(store.scheduler, () => now))),
      ...[0, 1, 2].map((n) =>
        repeat(40, (turn) => store.demand(pick(clientIds, turn * (n + 1)), { forced: turn % 2 > 0 })),
      ),
      ...[0, 1, 2].map((n) => repeat(40, (turn) => fetchOnce(pick(clients, turn + n)))),
    ])
    for (const client of clients) {
      await fetchOnce(client)
      const { wanted, done, claimed } = await store.row(client)
      expect({ done, claimed }).toEqual({ done: wanted, claimed: null })
    }
  })
})

describeStore('what a sweep decided', () => {
  it('is carried out: refresh raises, enqueue and wait look again, retire lets go', async () => {
    await using store = await setup()
    const [refreshed = '', enqueued = '', retired = ''] = await makeDue(store, store.tenant, 3, 'many')
    await sql`update cimd.clients set wanted = 1 where id = ${enqueued}`.execute(store.owner)
    const lookAgainAt = new Date(Date.now() + 60_000)
    const actions: Record<string, DueAction> = {
      [refreshed]: { kind: 'refresh', lookAgainAt },
      [enqueued]: { kind: 'enqueue', queue: 'refresh', lookAgainAt },
      [retired]: { kind: 'retire' },
    }
    await sweep(store.scheduler, (client) => actions[client] ?? { kind: 'retire' })
    expect(await scheduleOf(store)).toEqual({ [refreshed]: lookAgainAt, [enqueued]: lookAgainAt })
    expect((await store.row(refreshed)).wanted).toBe(1)
    expect((await store.row(enqueued)).wanted).toBe(1)
    expect((await store.row(retired)).wanted).toBe(0)
  })

  it('does not raise what is wanted already', async () => {
    await using store = await setup()
    const [client = ''] = await makeDue(store, store.tenant, 1, 'many')
    const again = { kind: 'refresh', lookAgainAt: new Date(0) } as const
    await sweep(store.scheduler, () => again)
    await sweep(store.scheduler, () => again)
    expect((await store.row(client)).wanted).toBe(1)
  })

  it('is nothing when the sweep fails', async () => {
    await using store = await setup()
    const due = await makeDue(store, store.tenant, 3, 'many')
    const failing = sweep(store.scheduler, () => {
      throw new Error('in the middle')
    })
    await expect(failing).rejects.toThrow('in the middle')
    expect(await dueClients(store)).toEqual(due)
  })

  it('finds work again that the queue lost, and lets go what no tenant uses (ARC-04)', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const decide = (_client: string, now: Date, facts: Parameters<typeof decideDueWork>[0]) =>
      decideDueWork(facts, now)
    await store.moveClock(6)
    expect(await sweep(store.scheduler, decide)).toMatchObject([{ kind: 'enqueue', queue: 'fetch' }])
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    await store.moveClock(31 * 86_400)
    expect(await sweep(store.scheduler, decide)).toEqual([{ kind: 'retire' }])
    expect(await scheduleOf(store)).toEqual({})
  })
})

/** Clients that are due for one tenant, oldest first, as no function of ours would make so many. */
async function makeDue(store: TestStore, tenant: string, count: number, name: string): Promise<string[]> {
  const { rows } = await sql<{ client: string }>`
    with made as (
      insert into cimd.clients (client_id, host)
      select 'https://due.example.net/' || ${name} || '/' || n, 'due.example.net' from generate_series(1, ${count}) n
      returning id
    ), used as (
      insert into cimd.interest (tenant_id, client_ref, since_seq, first_demand_at, last_resolved_at, leased_until)
      select ${tenant}, id, 0, now(), now(), now() + interval '30 days' from made
    )
    insert into cimd.schedule (client_ref, due_at) select id, now() - interval '1 day' + id * interval '1 second'
    from made returning client_ref::text as client`.execute(store.owner)
  return rows.map(({ client }) => client)
}

async function dueClients(store: TestStore, limit = 500): Promise<string[]> {
  const due = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, limit))
  return due.map(({ client }) => client)
}

type Decide = (client: string, now: Date, facts: Parameters<typeof decideDueWork>[0]) => DueAction

/** As the scheduler sweeps. Returns what was decided. */
async function sweep(scheduler: Db, decide: Decide): Promise<DueAction[]> {
  return inTransaction(scheduler, async (trx) => {
    const due = await lockDueClients(trx, 500)
    const decided = due.map(({ client, now, facts }) => ({ client, action: decide(client, now, facts) }))
    await applyDueActions(trx, decided)
    return decided.map(({ action }) => action)
  })
}

/** A sweep that holds its locks until it is told to end. */
async function holdSweep(scheduler: Db, limit: number) {
  const mayEnd = createGate()
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  const ended = inTransaction(scheduler, async (trx) => {
    resolve((await lockDueClients(trx, limit)).map(({ client }) => client))
    await mayEnd.opened
  })
  ended.catch(reject)
  const locked = await promise
  return {
    locked,
    end: () => {
      mayEnd.open()
      return ended
    },
  }
}

async function scheduleOf({ owner }: TestStore): Promise<Record<string, Date>> {
  const rows = await owner.selectFrom('cimd.schedule').select(['client_ref', 'due_at']).execute()
  return Object.fromEntries(rows.map(({ client_ref, due_at }) => [client_ref, due_at]))
}
