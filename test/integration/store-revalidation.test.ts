import { RULES_VERSION } from '@cimd/core'
import { createRevalidation } from '@cimd/scheduler'
import {
  approveRules,
  type Claim,
  engageBrakeByHand,
  findOutdated,
  inTransaction,
  listCurrentDocuments,
  lockOutdated,
  migrate,
  readRulesStatus,
  recordAttempt,
  recordRevalidated,
  releaseAccepting,
  releaseClaim,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { eventsOf, fail, idOf, isDue, usabilityFor, use } from './brake-bundle.ts'
import { describeStore, failedRecord, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const OLDER = RULES_VERSION - 1
const MINUTE = 60

describeStore('the rules that are approved', () => {
  it('are those of the code in a database that has stored nothing, and stay so', async () => {
    await using store = await setup()
    expect(await readRulesStatus(store.scheduler)).toEqual({ approved: RULES_VERSION, braked: false })
    await setApproved(store, OLDER)
    await use(store, 1)
    await migrate(store.url, 'development')
    expect((await readRulesStatus(store.scheduler)).approved).toBe(OLDER)
  })

  it('are the newest of those that stored documents, where none were recorded', async () => {
    await using store = await setup()
    await use(store, 2)
    await setApproved(store, null)
    expect((await readRulesStatus(store.scheduler)).approved).toBeUndefined()
    await migrate(store.url, 'development')
    expect((await readRulesStatus(store.scheduler)).approved).toBe(1)
  })

  it('only ever become newer, and the fetcher and the api read them with the client (CAC-12)', async () => {
    await using store = await setup()
    await setApproved(store, OLDER)
    const { client } = await store.demand(identify())
    expect(await store.claim(client)).toMatchObject({ rulesApproved: OLDER })
    expect(await approveRules(store.owner, RULES_VERSION)).toBe(true)
    expect(await approveRules(store.owner, OLDER)).toBe(false)
    expect(await approveRules(store.owner, RULES_VERSION)).toBe(false)
    expect((await readRulesStatus(store.scheduler)).approved).toBe(RULES_VERSION)
  })
})

describeStore('documents under older rules', () => {
  it('CAC-12: are of the present ones once these allow them, with no new version and no event', async () => {
    await using store = await setup()
    const clients = await use(store, 3)
    const before = await Promise.all(clients.map(store.row))
    expect(await runAll(store)).toEqual({ valid: 3, refused: 0, left: 0 })
    expect(await rulesOf(store)).toEqual([RULES_VERSION, RULES_VERSION, RULES_VERSION])
    expect(await Promise.all(clients.map(store.row))).toEqual(before)
    expect(await runAll(store)).toEqual({ valid: 0, refused: 0, left: 0 })
  })

  it('CAC-14: that are refused end after 15 minutes unless they are mended, and are fetched at once', async () => {
    await using store = await setup()
    const [kept = '', mended = ''] = await useRefused(store, 2)
    await sql`update cimd.clients set deferred_until = cimd.cimd_now() + interval '30 minutes',
      deferred_code = 'host_budget' where id = ${mended}`.execute(store.owner)
    await runAll(store)
    const { rows } = await sql`select deferred_until from cimd.clients where id = ${mended}`.execute(
      store.owner,
    )
    expect(rows).toEqual([{ deferred_until: null }])
    for (const client of [kept, mended]) {
      expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale', why: 'symmetric_method' })
      expect(await isDue(store, client)).toBe(true)
      const { wanted, done } = await store.row(client)
      expect(wanted - done).toBe(1)
    }
    await recordAttempt(store.fetcher, validRecord(await store.claim(mended)))
    expect(await usabilityFor(store, mended)).toEqual({ kind: 'fresh' })
    await store.moveClock(16 * MINUTE)
    expect(await usabilityFor(store, kept)).toEqual({ kind: 'unusable', why: 'symmetric_method' })
    await recordAttempt(store.fetcher, failedRecord(await store.claim(kept), 'symmetric_method'))
    expect(await eventsOf(store, kept)).toEqual(['client.discovered', 'client.withdrawn'])
  })

  it('end once, however many schedulers judge them at once and however often', async () => {
    await using store = await setup()
    const clients = [...(await use(store, 4)), ...(await useRefused(store, 4))]
    const counts = await Promise.all([runAll(store, 2), runAll(store, 3), runAll(store, 3)])
    expect(counts.reduce((sum, { refused }) => sum + refused, 0)).toBe(4)
    const first = await Promise.all(clients.map((client) => usabilityFor(store, client)))
    await store.moveClock(5 * MINUTE)
    expect(await runAll(store)).toEqual({ valid: 0, refused: 0, left: 0 })
    expect(await Promise.all(clients.map((client) => usabilityFor(store, client)))).toEqual(first)
  })

  it('wait for a fetch under way, which may mend them, and for the locks of a recording', async () => {
    await using store = await setup()
    const [client = ''] = await useRefused(store, 1)
    await store.demand(await idOf(store, client), { forced: true })
    const claim = await store.claim(client)
    expect(await runAll(store)).toEqual({ valid: 0, refused: 0, left: 1 })
    const { judging } = await inTransaction(store.fetcher, async (trx) => {
      expect((await recordAttempt(trx, validRecord(claim))).applied).toBe(true)
      const judging = runAll(store)
      await store.untilBlocked()
      return { judging }
    })
    expect(await judging).toMatchObject({ refused: 0, left: 0 })
    expect(await usabilityFor(store, client)).toEqual({ kind: 'fresh' })
  })

  it.each([
    ['is recorded late', (store: TestStore, claim: Claim) => recordLate(store, claim)],
    [
      'never is, once another was begun',
      async (store: TestStore, claim: Claim) => {
        await releaseClaim(store.fetcher, await store.claim(claim.client))
        return !(await recordLate(store, claim))
      },
    ],
  ])('are judged after a fetch whose lease has ended that %s', async (_, end) => {
    await using store = await setup()
    const [client = ''] = await useRefused(store, 1)
    await store.demand(await idOf(store, client), { forced: true })
    const claim = await store.claim(client)
    await store.moveClock(MINUTE)
    expect(await runAll(store)).toEqual({ valid: 0, refused: 0, left: 1 })
    expect(await end(store, claim)).toBe(true)
    expect(await runAll(store)).toEqual({ valid: 0, refused: 1, left: 0 })
    expect(await usabilityFor(store, client)).toMatchObject({ kind: 'stale', why: 'symmetric_method' })
  })

  it('are left alone where an end has begun already, or nobody uses them', async () => {
    await using store = await setup()
    const [gone = '', unused = ''] = await useRefused(store, 2)
    await fail(store, gone, 'status_404')
    await store.moveClock(MINUTE)
    await sql`update cimd.clients set dormant_since = cimd.cimd_now() where id = ${unused}`.execute(
      store.owner,
    )
    expect(await runAll(store)).toEqual({ valid: 0, refused: 0, left: 0 })
    expect(await usabilityFor(store, gone)).toMatchObject({ why: 'status_404' })
    expect(await usabilityFor(store, unused)).toEqual({ kind: 'fresh' })
  })

  it('are not judged while the brake is engaged, which holds those that were', async () => {
    await using store = await setup()
    const [first = '', second = ''] = await useRefused(store, 2)
    const { work, counts } = revalidation(store, 1)
    await work()
    await engageBrakeByHand(store.owner, 'a bad rule')
    for (const _ of [1, 2]) await work()
    expect(await usabilityFor(store, second)).toEqual({ kind: 'fresh' })
    await store.moveClock(20 * MINUTE)
    expect(await usabilityFor(store, first)).toMatchObject({ kind: 'stale', why: 'symmetric_method' })
    await releaseAccepting(store.owner)
    for (const _ of [1, 2]) await work()
    expect(counts).toEqual([{ valid: 0, refused: 2, left: 0 }])
  })

  it('are not judged before the rules are approved', async () => {
    await using store = await setup()
    const [client = ''] = await useRefused(store, 1)
    await setApproved(store, OLDER)
    const { work, counts, pending } = revalidation(store, 10)
    await work()
    expect([counts, pending]).toEqual([[], [OLDER]])
    expect(await usabilityFor(store, client)).toEqual({ kind: 'fresh' })
  })
})

describeStore('a dry run', () => {
  it('walks through every version that may be used, and tells which are in use', async () => {
    await using store = await setup()
    const [first = '', second = '', gone = ''] = await use(store, 3)
    await sql`update cimd.clients set dormant_since = cimd.cimd_now() where id = ${second}`.execute(
      store.owner,
    )
    await fail(store, gone, 'status_404')
    await store.moveClock(16 * MINUTE)
    await fail(store, gone, 'status_404')
    const page = await listCurrentDocuments(store.owner, { after: undefined, limit: 1 })
    expect(page).toMatchObject([
      { client: first, clientId: await idOf(store, first), inUse: true, rulesVersion: 1 },
    ])
    const rest = await listCurrentDocuments(store.owner, { after: first, limit: 10 })
    expect(rest).toMatchObject([{ client: second, inUse: false }])
  })
})

/** As the scheduler does it, whose clock stands still. */
function revalidation(store: TestStore, limit: number) {
  const counts: object[] = []
  const pending: (number | undefined)[] = []
  const work = createRevalidation(
    {
      readStatus: () => readRulesStatus(store.scheduler),
      find: (rules, slice) => findOutdated(store.scheduler, rules, slice),
      withLocked: (rules, clients, decide) =>
        inTransaction(store.scheduler, async (trx) =>
          recordRevalidated(trx, rules, decide(await lockOutdated(trx, rules, clients))),
        ),
      tellPending: (approved) => pending.push(approved),
      tellWalked: (walked) => counts.push(walked),
      monotonicMs: () => 0,
    },
    limit,
  )
  return { work, counts, pending }
}

async function runAll(store: TestStore, limit = 2) {
  const { work, counts } = revalidation(store, limit)
  while (counts.length === 0) await work()
  return counts[0] as { readonly valid: number; readonly refused: number; readonly left: number }
}

/** Clients in use whose document the present rules refuse, and those it was stored under did not. */
async function useRefused(store: TestStore, count: number): Promise<string[]> {
  const members = { token_endpoint_auth_method: 'client_secret_basic' }
  const clients: string[] = []
  for (let made = 0; made < count; made += 1) {
    const { client } = await store.demand(identify())
    await recordAttempt(store.fetcher, validRecord(await store.claim(client), members))
    clients.push(client)
  }
  return clients
}

/** Whether a fetch that found nothing still counts. */
async function recordLate({ fetcher }: TestStore, claim: Claim): Promise<boolean> {
  return (await recordAttempt(fetcher, failedRecord(claim, 'status_5xx'))).applied
}

async function rulesOf(store: TestStore): Promise<number[]> {
  const rows = await store.owner.selectFrom('cimd.versions').select('rules_version').execute()
  return rows.map(({ rules_version }) => rules_version)
}

async function setApproved(store: TestStore, rulesVersion: number | null): Promise<void> {
  await sql`update cimd.deployment set rules_version = ${rulesVersion}`.execute(store.owner)
}
