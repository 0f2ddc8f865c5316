import { LOST_URGENT_WORK_SECONDS } from '@cimd/core'
import {
  admitInTurn,
  countInLine,
  deferClaim,
  findClient,
  inTransaction,
  lockDueClients,
  raiseDemand,
  recordAttempt,
  removeTenant,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  demandOf,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

const PLACES = 2

describeStore('places with the fetchers', () => {
  it('are given as demands come, until the tenant has as many as it may', async () => {
    await using store = await setup()
    const demands = await demandMany(store, 4)
    expect(demands.map(({ enqueue }) => enqueue)).toEqual([true, true, false, false])
    expect(demands.map(({ inLine }) => inLine)).toEqual([undefined, undefined, true, true])
    expect(await demandOne(store, { tenant: store.otherTenant })).toMatchObject({ enqueue: true })
  })

  it('are given in turn as others are given back: to the tenants one by one, in the order of time', async () => {
    await using store = await setup()
    const [first, second, ...later] = await demandMany(store, 6)
    const others = await demandMany(store, 4, store.otherTenant)
    expect(await admitInTurn(store.scheduler, PLACES)).toEqual({ clients: [], more: false })
    for (const demand of [first, second, ...others.slice(0, PLACES)]) await answer(store, demand?.client)
    const { clients } = await admitInTurn(store.scheduler, PLACES)
    const turns = [later[0], others[2], later[1], others[3]].map((demand) => demand?.client)
    expect(clients).toHaveLength(4)
    // Which of the two tenants is first in a turn is chance.
    expect(clients.slice(0, 2).toSorted()).toEqual(turns.slice(0, 2).toSorted())
    expect(clients.slice(2).toSorted()).toEqual(turns.slice(2).toSorted())
    expect(await admitInTurn(store.scheduler, PLACES)).toEqual({ clients: [], more: false })
  })

  it('tell that somebody waits for the one that an attempt gives back', async () => {
    await using store = await setup()
    const [first, second] = await demandMany(store, 3)
    expect(await answer(store, first?.client)).toMatchObject({ applied: true, line: true })
    await admitInTurn(store.scheduler, PLACES)
    expect(await answer(store, second?.client)).not.toHaveProperty('line')
  })

  it('are not waited for by a tenant that has room, whoever waits for the same client', async () => {
    await using store = await setup()
    await demandMany(store, PLACES)
    const clientId = identify()
    const waiting = await demandOne(store, { clientId })
    expect(waiting).toMatchObject({ enqueue: false, inLine: true })
    const joined = await demandOne(store, { clientId, tenant: store.otherTenant })
    expect(joined).toEqual({ client: waiting.client, generation: waiting.generation, enqueue: true })
    expect(await demandOne(store, { clientId })).toEqual({ ...joined, enqueue: false })
    // What the first had in line is no more to be admitted.
    await answer(store, joined.client)
    expect((await placesOf(store)).length).toBe(PLACES)
  })

  it('are given once to a client that two tenants have in line', async () => {
    await using store = await setup()
    const began = [
      ...(await demandMany(store, PLACES)),
      ...(await demandMany(store, PLACES, store.otherTenant)),
    ]
    const clientId = identify()
    const { client } = await demandOne(store, { clientId })
    await demandOne(store, { clientId, tenant: store.otherTenant })
    for (const demand of began) await answer(store, demand.client)
    expect(await admitInTurn(store.scheduler, PLACES)).toEqual({ clients: [client], more: true })
    expect(await admitInTurn(store.scheduler, PLACES)).toMatchObject({ clients: [] })
  })

  it.each([
    ['before', 0],
    ['after', 1],
  ])(
    'are waited for in its own line by each tenant that joined %s a budget put the client off',
    async (_, late) => {
      await using store = await setup()
      const clientId = identify()
      const { client, generation } = await demandOne(store, { clientId })
      await demandMany(store, 3)
      const join = () => demandOne(store, { clientId, tenant: store.otherTenant })
      const joined = { client, generation, enqueue: false }
      if (late === 0) expect(await join()).toEqual(joined)
      await deferClaim(store.fetcher, await store.claim(client), 'host_budget', 30)
      if (late === 1) expect(await join()).toEqual(joined)
      await admitInTurn(store.scheduler, PLACES)
      await store.moveClock(31)
      // The other tenant has room; the first one has others before.
      expect((await admitInTurn(store.scheduler, PLACES)).clients).toEqual([client])
    },
  )

  it('are kept where it is no user whom a budget asks to wait', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId, { urgent: false })
    const claim = await store.claim(client)
    await demandOne(store, { clientId, forced: true })
    await deferClaim(store.fetcher, claim, 'host_budget', 30)
    await admitInTurn(store.scheduler, PLACES)
    expect(await placesOf(store)).toMatchObject([{ taken_at: expect.any(Date) }])
  })

  it('are not kept for a day by what is set aside', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await demandOne(store, { clientId })
    const claim = await store.claim(client)
    await demandOne(store, { clientId, forced: true })
    await recordAttempt(store.fetcher, failedRecord(claim, 'quarantined'))
    expect(await placesOf(store)).toEqual([])
  })

  it('are kept while a claim runs, and given back with a budget that asks to wait', async () => {
    await using store = await setup()
    const [first, second, third] = await demandMany(store, 3)
    const claim = await store.claim(first?.client ?? '')
    await store.claim(second?.client ?? '')
    expect(await admitInTurn(store.scheduler, PLACES)).toMatchObject({ clients: [] })
    await deferClaim(store.fetcher, claim, 'host_budget', 30)
    expect((await admitInTurn(store.scheduler, PLACES)).clients).toEqual([third?.client])
    await answer(store, third?.client)
    // Its turn comes again when the budget has room, not before.
    expect((await admitInTurn(store.scheduler, PLACES)).clients).toEqual([])
    await store.moveClock(31)
    expect((await admitInTurn(store.scheduler, PLACES)).clients).toEqual([first?.client])
  })

  it('are found again by the schedule where the queue lost them, and what waits in line is not', async () => {
    await using store = await setup()
    const demands = await demandMany(store, 4)
    await store.moveClock(LOST_URGENT_WORK_SECONDS + 1)
    const due = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, 100))
    expect(due.map(({ client }) => client).toSorted()).toEqual(
      demands
        .slice(0, PLACES)
        .map(({ client }) => client)
        .toSorted(),
    )
    await store.moveClock(700)
    const all = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, 100))
    expect(all.filter(({ facts }) => facts.inLine)).toHaveLength(2)
    await answer(store, demands[0]?.client)
    const { clients } = await admitInTurn(store.scheduler, PLACES)
    await store.moveClock(700 + LOST_URGENT_WORK_SECONDS + 1)
    const later = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, 100))
    const admitted = later.find(({ client }) => client === clients[0])
    expect(admitted?.facts).toMatchObject({ inLine: false, urgent: 1, done: 0 })
  })

  it('are not waited for by the refreshes of what others use', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await demandMany(store, PLACES)
    const { client } = await demandOne(store, { clientId, forced: true })
    await demandMany(store, 1)
    await store.moveClock(3601)
    const urgent = await inTransaction(store.scheduler, (trx) =>
      lockDueClients(trx, 100, { urgentOnly: true }),
    )
    expect(urgent.map(({ facts }) => facts.inLine)).toEqual([false, false])
    const due = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, 100))
    const inLine = due.filter(({ facts }) => facts.inLine)
    expect(inLine.map((one) => [one.client === client, one.facts.known])).toEqual([
      [true, true],
      [false, false],
    ])
  })

  it('are passed by through nothing that a tenant had in line when it was removed', async () => {
    await using store = await setup()
    const shared = identify()
    await demandMany(store, PLACES, store.otherTenant)
    await demandMany(store, PLACES)
    const { client: awaited } = await demandOne(store, { clientId: shared })
    await demandOne(store, { clientId: shared, tenant: store.otherTenant })
    const { client } = await demandOne(store)
    expect(await removeTenant(store.operator, 'first')).toBe(true)
    expect(await store.row(client)).toMatchObject({ wanted: 1, urgent: 0 })
    expect(await store.row(awaited)).toMatchObject({ wanted: 1, urgent: 1 })
    expect(await placesOf(store)).toHaveLength(PLACES + 1)
  })

  it('are given back where older code recorded the attempt', async () => {
    await using store = await setup()
    const [first, , third] = await demandMany(store, 3)
    await sql`update cimd.clients set done = wanted where id = ${first?.client}`.execute(store.owner)
    expect((await admitInTurn(store.scheduler, PLACES)).clients).toEqual([third?.client])
  })

  it('are not passed by where older code raised the demand', async () => {
    await using store = await setup()
    const { client } = await demandOne(store)
    await sql`delete from cimd.fetch_places`.execute(store.owner)
    await sql`update cimd.clients set placed = 0 where id = ${client}`.execute(store.owner)
    await store.moveClock(LOST_URGENT_WORK_SECONDS + 1)
    const [due] = await inTransaction(store.scheduler, (trx) => lockDueClients(trx, 100))
    expect(due?.facts).toMatchObject({ inLine: false, urgent: 1 })
  })

  it('are admitted to by one caller at a time', async () => {
    await using store = await setup()
    const demands = await demandMany(store, 6)
    for (const { client } of demands.slice(0, PLACES)) await answer(store, client)
    const rounds = await Promise.all(Array.from({ length: 5 }, () => admitInTurn(store.scheduler, PLACES)))
    expect(rounds.flatMap(({ clients }) => clients)).toHaveLength(PLACES)
  })

  it('leave of each tenant the number that waits, to be asked by an api whoever its tenant is', async () => {
    await using store = await setup()
    await demandMany(store, 7)
    await demandMany(store, 3, store.otherTenant)
    expect(await countInLine(store.api, 1000)).toEqual(
      new Map([
        [store.tenant, 5],
        [store.otherTenant, 1],
      ]),
    )
    expect((await countInLine(store.api, 2)).get(store.tenant)).toBe(2)
    expect(await placesOf(store)).toHaveLength(10)
    const seen = await withTenant(store.api, store.otherTenant, (trx) =>
      trx.selectFrom('cimd.fetch_places').selectAll().execute(),
    )
    expect(seen).toHaveLength(3)
  })

  it('are given out of a line of ten thousand, no more than there are', async () => {
    await using store = await setup()
    await demandMany(store, PLACES)
    await sql`insert into cimd.clients (client_id, host, wanted, urgent)
      select 'https://client.example.com/' || n, 'client.example.com', 1, 1 from generate_series(1, 10000) n`.execute(
      store.owner,
    )
    await sql`insert into cimd.fetch_places (client_ref, tenant_id, ready_at)
      select id, ${store.tenant}, cimd.cimd_now() from cimd.clients where placed = 0`.execute(store.owner)
    await sql`delete from cimd.fetch_places where taken_at is not null`.execute(store.owner)
    const { clients } = await admitInTurn(store.scheduler, PLACES)
    expect(clients).toHaveLength(PLACES)
  })
})

type Given = {
  readonly clientId?: ReturnType<typeof identify>
  readonly tenant?: string
  readonly forced?: boolean
}

function demandOne(
  store: TestStore,
  { clientId = identify(), tenant = store.tenant, forced = false }: Given = {},
) {
  return withTenant(store.api, tenant, async (trx) => {
    const view = await findClient(trx, clientId)
    const raised = await raiseDemand(trx, view, {
      ...demandOf(clientId, { forced }),
      placesMax: PLACES,
    })
    await touchInterest(trx, raised.client)
    return raised
  })
}

async function demandMany(store: TestStore, count: number, tenant = store.tenant) {
  const demands: Awaited<ReturnType<typeof demandOne>>[] = []
  for (let turn = 0; turn < count; turn += 1) demands.push(await demandOne(store, { tenant }))
  return demands
}

async function answer(store: TestStore, client = '') {
  return recordAttempt(store.fetcher, validRecord(await store.claim(client)))
}

async function placesOf({ owner }: TestStore): Promise<readonly unknown[]> {
  return owner.selectFrom('cimd.fetch_places').selectAll().execute()
}
