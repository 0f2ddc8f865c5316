import {
  countBrakeFacts,
  engageBrakeByHand,
  inTransaction,
  listen,
  lockDueResources,
  readBrake,
  recordAttempt,
  releaseAccepting,
  releaseMended,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { fail, idOf, isDue, plant, plantResource, use, viewOf } from './brake-bundle.ts'
import { describeStore, failedRecord, setup } from './store-bundle.ts'

describeStore('two releases at once', () => {
  it('end as the one that accepts says, if that comes first: nothing is dropped after it', async () => {
    await using store = await setup()
    await plant(store, 3)
    await engageBrakeByHand(store.owner, 'a test')
    const { accepting, mending } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.schedule limit 1 for update`.execute(trx)
      const accepting = releaseAccepting(store.owner)
      await store.untilBlocked()
      const mending = releaseMended(store.owner)
      await store.untilBlocked(2)
      return { accepting, mending }
    })
    expect([await accepting, await mending]).toEqual([3, { kind: 'overtaken', clients: 0, resources: 0 }])
    expect((await readBrake(store.owner)).disarmedUntil).toBeInstanceOf(Date)
    expect((await countBrakeFacts(store.owner)).facts.ending).toBe(3)
  })

  it('wait for each other and are one, if the one as mended comes first', async () => {
    await using store = await setup()
    await plant(store, 3)
    await engageBrakeByHand(store.owner, 'a test')
    const { mending, accepting } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.clients limit 1 for update`.execute(trx)
      const mending = releaseMended(store.owner)
      await store.untilBlocked()
      const accepting = releaseAccepting(store.owner)
      await store.untilBlocked(2)
      return { mending, accepting }
    })
    const isMended = (await mending).kind === 'released'
    expect([isMended, await accepting]).toEqual([isMended, isMended ? undefined : 0])
    expect((await countBrakeFacts(store.owner)).facts).toMatchObject({ ending: 0, engaged: false })
  })

  it('say what was dropped, and have it told, where the one that accepts comes in between', async () => {
    const dropped = { clients: 3, resources: 1 }
    let ends = await releaseAcceptingBetween()
    // Postgres lets whoever comes pass by a waiter that it has not woken yet: then nobody came in between.
    for (let tries = 1; ends[0].kind === 'released' && tries < 10; tries += 1) {
      expect(ends).toEqual([{ kind: 'released', ...dropped }, undefined])
      ends = await releaseAcceptingBetween()
    }
    expect(ends).toEqual([{ kind: 'overtaken', ...dropped }, 0])
  })

  it('are one where both are as mended', async () => {
    await using store = await setup()
    await plant(store, 3)
    await engageBrakeByHand(store.owner, 'a test')
    const released = await Promise.all([releaseMended(store.owner), releaseMended(store.owner)])
    expect(released.filter(({ kind }) => kind === 'released')).toHaveLength(1)
    expect((await countBrakeFacts(store.owner)).facts).toMatchObject({ ending: 0, engaged: false })
  })

  it.each([0, 3])('leave a brake alone that was engaged anew meanwhile, with %d clients', async (clients) => {
    await using store = await setup()
    await plant(store, clients)
    await engageBrakeByHand(store.owner, 'a test')
    const { mending } = await store.owner.transaction().execute(async (trx) => {
      await sql`update cimd.brake set held_from = cimd.cimd_now(), reason = 'again'`.execute(trx)
      const mending = releaseMended(store.owner)
      await store.untilBlocked()
      return { mending }
    })
    expect(await mending).toEqual({ kind: 'overtaken', clients: 0, resources: 0 })
    expect((await readBrake(store.owner)).engaged?.reason).toBe('again')
    const { rows } = await sql`select from cimd.clients where state = 'failing'`.execute(store.owner)
    expect(rows).toHaveLength(clients)
  })
})

/** Both releases, the one that accepts while the other waits with its last batch; both have told of what they dropped. */
async function releaseAcceptingBetween() {
  await using store = await setup()
  await plant(store, 3)
  const { rows } = await sql<{ id: string }>`select id::text as id from cimd.clients`.execute(store.owner)
  await plantResource(store, rows[0]?.id ?? '', 'jwks', 'status_404')
  await sql`update cimd.clients set state = 'withdrawn'`.execute(store.owner)
  await engageBrakeByHand(store.owner, 'a test')
  const told = Promise.withResolvers<void>()
  const listener = await listen({
    ...{ url: store.url, channels: ['cimd_outbox'], onError: told.reject },
    ...{ onConnected: () => {}, onNotification: () => told.resolve() },
  })
  await using _listening = { [Symbol.asyncDispose]: () => listener.close() }
  const { mending, accepting } = await store.owner.transaction().execute(async (trx) => {
    await sql`select from cimd.resources for update`.execute(trx)
    const mending = releaseMended(store.owner)
    await store.untilBlocked()
    const accepting = releaseAccepting(store.owner)
    await store.untilBlocked(2)
    return { mending, accepting }
  })
  const ends = [await mending, await accepting] as const
  await told.promise
  return ends
}

describeStore('a release', () => {
  it('that accepts locks no key set while it waits for a schedule, which recordings lock first', async () => {
    await using store = await setup()
    await plant(store, 1)
    const { rows } = await sql<{ id: string }>`select id::text as id from cimd.clients`.execute(store.owner)
    await plantResource(store, rows[0]?.id ?? '', 'jwks', 'status_404')
    await sql`update cimd.resources set due_at = cimd.cimd_now() + interval '1 hour'`.execute(store.owner)
    await engageBrakeByHand(store.owner, 'a test')
    const { accepting, free } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.schedule for update`.execute(trx)
      const accepting = releaseAccepting(store.owner)
      await store.untilBlocked()
      const free = await sql`select from cimd.resources for update skip locked`.execute(trx)
      return { accepting, free }
    })
    expect(await accepting).toBe(1)
    expect(free.rows).toHaveLength(1)
    const due = await inTransaction(store.scheduler, (trx) => lockDueResources(trx, 10))
    expect(due).toHaveLength(1)
  })

  it('as mended drops also what a fetch under way finds while it goes on', async () => {
    await using store = await setup()
    const [doubted = '', other = ''] = await use(store, 2)
    await fail(store, doubted, 'status_404')
    await engageBrakeByHand(store.owner, 'a test')
    await store.demand(await idOf(store, other), { forced: true })
    const claim = await store.claim(other)
    const { releasing } = await store.owner.transaction().execute(async (trx) => {
      await sql`select from cimd.clients where id = ${doubted} for update`.execute(trx)
      const releasing = releaseMended(store.owner)
      await store.untilBlocked()
      await recordAttempt(store.fetcher, failedRecord(claim, 'status_404'))
      return { releasing }
    })
    expect(await releasing).toEqual({ kind: 'released', clients: 2, resources: 0 })
    const { standing } = await viewOf(store, await idOf(store, other))
    expect(standing).toMatchObject({ state: 'valid', failure: undefined, withdrawing: undefined })
    expect(await isDue(store, other)).toBe(true)
  })
})
