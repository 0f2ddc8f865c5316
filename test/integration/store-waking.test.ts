import { decideDueWork } from '@cimd/core'
import {
  applyDueActions,
  applyResourceActions,
  inTransaction,
  lockClient,
  lockDueResources,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createGate, describeStore, identify, setup, type TestStore } from './store-bundle.ts'

describeStore('a use of a client that fell asleep while it was fresh', () => {
  it('does not deadlock with another that holds the client already', async () => {
    await using store = await setup()
    const client = await known(store)
    await retire(store, client)
    const held = createGate()
    const mayTouch = createGate()
    const first = withTenant(store.api, store.otherTenant, async (trx) => {
      await lockClient(trx, client)
      held.open()
      await mayTouch.opened
      await touchInterest(trx, client)
      await sql`select 1`.execute(trx)
    })
    await held.opened
    const second = touch(store, client)
    await store.untilBlocked()
    mayTouch.open()
    await expect(Promise.all([first, second])).resolves.toBeDefined()
    expect(await wakefulness(store, client)).toMatchObject({ dormant: false, scheduled: true })
  })

  it('wakes it even when it falls asleep while the use waits for it', async () => {
    await using store = await setup()
    const client = await known(store)
    await addKeys(store, client, {
      due: 'cimd.cimd_now()',
      freshUntil: `cimd.cimd_now() + interval '1 hour'`,
    })
    const { waiting } = await inTransaction(store.scheduler, async (trx) => {
      await applyDueActions(trx, [{ client, action: { kind: 'retire' } }])
      const waiting = touch(store, client)
      await store.untilBlocked()
      return { waiting }
    })
    await waiting
    expect(await wakefulness(store, client)).toEqual({ dormant: false, scheduled: true, keysDue: true })
  })
})

const LATER = `cimd.cimd_now() + interval '1 hour'`
const EARLIER = `cimd.cimd_now() - interval '1 hour'`

describeStore('a use of a client that is awake', () => {
  it.each<[string, Keys, string | null]>([
    ['wakes keys that were let go, at the end of their freshness', { freshUntil: LATER }, LATER],
    ['wakes keys that were let go while they failed', { freshUntil: EARLIER, failing: true }, EARLIER],
    [
      'wakes failing keys no sooner than they may be tried again (CAC-06)',
      { freshUntil: EARLIER, failing: true, retryAt: LATER },
      LATER,
    ],
    ['wakes keys that are wanted still', { wanted: true }, 'cimd.cimd_now()'],
    ['leaves keys that were never valid to a demand for them (CAC-04)', { failing: true }, null],
    [
      'leaves the retries of failing keys as they are',
      { due: LATER, freshUntil: EARLIER, failing: true },
      LATER,
    ],
  ])('%s', async (_, keys, due) => {
    await using store = await setup()
    const client = await known(store)
    await addKeys(store, client, keys)
    await touch(store, client)
    const { rows } = await sql<{ as_expected: boolean }>`
      select coalesce(abs(extract(epoch from due_at - (${sql.raw(due ?? 'null::timestamptz')}))) < 60,
        due_at is null and ${due === null}) as as_expected
      from cimd.resources where client_ref = ${client}`.execute(store.owner)
    expect(rows).toEqual([{ as_expected: true }])
  })
})

describeStore('a use of a client whose keys a sweep puts off or lets go at that moment', () => {
  it('has them looked at when their freshness ends', async () => {
    await using store = await setup()
    const client = await known(store)
    await addKeys(store, client, { due: 'cimd.cimd_now()', freshUntil: LATER })
    const { waiting } = await inTransaction(store.scheduler, async (trx) => {
      await sql`update cimd.resources set due_at = cimd.cimd_now() + interval '1 day'`.execute(trx)
      const waiting = touch(store, client)
      await store.untilBlocked()
      return { waiting }
    })
    await waiting
    const { rows } = await sql`select due_at = fresh_until as at_its_end from cimd.resources`.execute(
      store.owner,
    )
    expect(rows).toEqual([{ at_its_end: true }])
  })

  it('has failing keys tried again that the sweep lets go', async () => {
    await using store = await setup()
    const client = await known(store)
    await addKeys(store, client, { due: 'cimd.cimd_now()', freshUntil: EARLIER, failing: true })
    await sql`update cimd.interest set leased_until = cimd.cimd_now()`.execute(store.owner)
    const { waiting } = await inTransaction(store.scheduler, async (trx) => {
      const due = await lockDueResources(trx, 10)
      const decided = due.map(({ resource, facts, now }) => ({ resource, action: decideDueWork(facts, now) }))
      expect(decided).toMatchObject([{ action: { kind: 'retire' } }])
      const waiting = touch(store, client)
      await store.untilBlocked()
      await applyResourceActions(trx, decided)
      return { waiting }
    })
    await waiting
    expect(await wakefulness(store, client)).toMatchObject({ keysDue: true })
  })
})

type Keys = {
  readonly due?: string
  readonly freshUntil?: string
  readonly retryAt?: string
  readonly failing?: boolean
  readonly wanted?: boolean
}

/** Keys of the client, not scheduled unless it is said for when; the instants are SQL. */
async function addKeys({ owner }: TestStore, client: string, keys: Keys): Promise<void> {
  const { due = 'null', freshUntil = 'null', retryAt = 'null', failing = false, wanted = false } = keys
  await sql`
    insert into cimd.resources (client_ref, kind, url, host, wanted, done, due_at, fresh_until, retry_at,
      failure_code, failing_since)
    values (${client}, 'jwks', 'https://client.example.net/jwks', 'client.example.net', 2, ${wanted ? 1 : 2},
      ${sql.raw(due)}, ${sql.raw(freshUntil)}, ${sql.raw(retryAt)},
      ${failing ? 'status_5xx' : null}, case when ${failing} then cimd.cimd_now() end)`.execute(owner)
}

async function known(store: TestStore): Promise<string> {
  const clientId = identify()
  await store.fetch(clientId)
  const { rows } = await sql<{ id: string }>`select id::text from cimd.clients`.execute(store.owner)
  return rows[0]?.id ?? ''
}

async function retire({ scheduler }: TestStore, client: string): Promise<void> {
  await inTransaction(scheduler, (trx) => applyDueActions(trx, [{ client, action: { kind: 'retire' } }]))
}

async function touch({ api, tenant }: TestStore, client: string): Promise<void> {
  await withTenant(api, tenant, async (trx) => {
    await touchInterest(trx, client)
    await sql`select 1`.execute(trx)
  })
}

async function wakefulness({ owner }: TestStore, client: string) {
  const { rows } = await sql<{ dormant: boolean; scheduled: boolean; keysDue: boolean | null }>`
    select dormant_since is not null as dormant,
      exists (select from cimd.schedule where client_ref = c.id) as scheduled,
      (select due_at is not null from cimd.resources where client_ref = c.id) as "keysDue"
    from cimd.clients c where id = ${client}`.execute(owner)
  return rows[0]
}
