import { type ClientIdUrl, sha256Hex } from '@cimd/core'
import {
  BINDING_LEASE_SECONDS,
  clearApproval,
  deleteOldVersions,
  findClient,
  findClientLife,
  findNamedVersion,
  noteEffectiveDocument,
  reportBinding,
  setApproval,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { documentOf } from '../harness/documents.ts'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const UNKNOWN = 'ab'.repeat(32)
const DAY = 86_400

/** Fetches a version, and returns its digest. */
async function publish(store: TestStore, clientId: ClientIdUrl, client_name: string): Promise<string> {
  await store.fetch(clientId, (claim) => validRecord(claim, { client_name }))
  return sha256Hex(JSON.stringify(documentOf(clientId, { client_name })))
}

const find = (store: TestStore, client: string, digest: string, tenant = store.tenant) =>
  withTenant(store.api, tenant, (trx) => findNamedVersion(trx, client, digest))

async function clientOf(store: TestStore, clientId: ClientIdUrl): Promise<string> {
  const { id } = await withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
  if (id === undefined) throw new Error('the client was never demanded')
  return id
}

const note = (store: TestStore, given: Parameters<typeof noteEffectiveDocument>[1]) =>
  withTenant(store.api, store.tenant, (trx) => noteEffectiveDocument(trx, given))

/** The one effective document that is noted, and where its row is: that moves when it is written or locked. */
async function noted({ owner }: TestStore) {
  const { rows } = await sql<{ approved: string; current: string; given_at: Date; place: string }>`
    select approved_version_id::text as approved, current_version_id::text as current, given_at,
      concat_ws(' ', ctid, xmin, xmax) as place
    from cimd.effective_documents`.execute(owner)
  const [row] = rows
  if (row === undefined || rows.length > 1) throw new Error(`${rows.length} documents are noted`)
  return row
}

async function approvedBy({ owner }: TestStore): Promise<string> {
  const row = await owner.selectFrom('cimd.approvals').select('version_id').executeTakeFirstOrThrow()
  return String(row.version_id)
}

describeStore('a digest', () => {
  it('CHG-09: names every version since the first demand of the tenant, and its bytes', async () => {
    await using store = await setup()
    const clientId = identify()
    const [first, second] = [await publish(store, clientId, 'one'), await publish(store, clientId, 'two')]
    const client = await clientOf(store, clientId)
    for (const digest of [first, second]) {
      const named = await find(store, client, digest)
      if (named?.kind !== 'version') throw new Error('the digest names no version')
      expect(sha256Hex(named.version.body)).toBe(digest)
    }
    expect(await find(store, client, UNKNOWN)).toBeUndefined()
  })

  it('names nothing that was replaced before the tenant came, nor anything for a stranger', async () => {
    await using store = await setup()
    const clientId = identify()
    const [first, second] = [await publish(store, clientId, 'one'), await publish(store, clientId, 'two')]
    const client = await clientOf(store, clientId)
    expect(await find(store, client, second, store.otherTenant)).toBeUndefined()
    await store.moveClock(60)
    await store.demand(clientId, { tenant: store.otherTenant })
    expect(await find(store, client, first, store.otherTenant)).toBeUndefined()
    expect(await find(store, client, second, store.otherTenant)).toMatchObject({ kind: 'version' })
    expect(await find(store, client, first)).toMatchObject({ kind: 'version' })
  })

  it('names nothing from before, whatever retention deletes in between', async () => {
    await using store = await setup()
    const clientId = identify()
    const first = await publish(store, clientId, 'one')
    const client = await clientOf(store, clientId)
    await withTenant(store.api, store.tenant, (trx) =>
      reportBinding(trx, { client, digest: first, kind: 'consent', leaseSeconds: 86_400 }),
    )
    await publish(store, clientId, 'two')
    await store.moveClock(60)
    await store.demand(clientId, { tenant: store.otherTenant })
    const later = [await publish(store, clientId, 'three'), await publish(store, clientId, 'four')]
    const kept = { versionsKept: 2, versionDays: 90, attemptDays: 90 }
    expect(await deleteOldVersions(store.scheduler, kept, { limit: 100 })).toMatchObject({ deleted: 1 })
    const known = await withTenant(store.api, store.otherTenant, (trx) => findClientLife(trx, client))
    expect(known?.versions.map(({ digest }) => digest)).toEqual(later.toReversed())
    expect(await find(store, client, first, store.otherTenant)).toBeUndefined()
    expect(await find(store, client, first)).toMatchObject({ kind: 'version' })
  })

  it('names the first version of all, even if its fetch ended before the demand was noted', async () => {
    await using store = await setup()
    const clientId = identify()
    const digest = await publish(store, clientId, 'one')
    await store.owner
      .updateTable('cimd.versions')
      .set({ fetched_at: new Date(0) })
      .execute()
    await publish(store, clientId, 'two')
    expect(await find(store, await clientOf(store, clientId), digest)).toMatchObject({ kind: 'version' })
  })

  it('for a use that an older release noted, names what was fetched since, and the current version', async () => {
    await using store = await setup()
    const clientId = identify()
    const first = await publish(store, clientId, 'one')
    await store.moveClock(60)
    await store.demand(clientId, { tenant: store.otherTenant })
    await store.owner.updateTable('cimd.interest').set({ since_version_id: null }).execute()
    const client = await clientOf(store, clientId)
    expect(await find(store, client, first, store.otherTenant)).toMatchObject({ kind: 'version' })
    const second = await publish(store, clientId, 'two')
    expect(await find(store, client, first, store.otherTenant)).toBeUndefined()
    expect(await find(store, client, second, store.otherTenant)).toMatchObject({ kind: 'version' })
    expect(await find(store, client, first)).toMatchObject({ kind: 'version' })
  })

  it('names the newest of versions with the same bytes', async () => {
    await using store = await setup()
    const clientId = identify()
    const digest = await publish(store, clientId, 'one')
    const before = await find(store, await clientOf(store, clientId), digest)
    await publish(store, clientId, 'two')
    await publish(store, clientId, 'one')
    const after = await find(store, await clientOf(store, clientId), digest)
    expect(after).toMatchObject({ kind: 'version', version: { digest } })
    expect(after).not.toEqual(before)
  })
})

describeStore('an approval', () => {
  it('is read with the record, by its tenant alone, until it is taken back', async () => {
    await using store = await setup()
    const clientId = identify()
    const [digest, second] = [await publish(store, clientId, 'one'), await publish(store, clientId, 'two')]
    await store.demand(clientId, { tenant: store.otherTenant })
    const approvedBy = (tenant: string) =>
      withTenant(store.api, tenant, async (trx) => (await findClient(trx, clientId)).approved?.digest)
    expect(await approvedBy(store.tenant)).toBeUndefined()
    const { tenant: tenantId } = store
    expect(await setApproval(store.owner, { tenantId, clientId, digest })).toBe(true)
    expect([await approvedBy(tenantId), await approvedBy(store.otherTenant)]).toEqual([digest, undefined])
    expect(await setApproval(store.owner, { tenantId, clientId, digest: second })).toBe(true)
    expect(await approvedBy(tenantId)).toBe(second)
    expect(await setApproval(store.owner, { tenantId, clientId, digest: UNKNOWN })).toBe(false)
    expect(await clearApproval(store.owner, { tenantId, clientId })).toBe(true)
    expect(await clearApproval(store.owner, { tenantId, clientId })).toBe(false)
    expect(await approvedBy(tenantId)).toBeUndefined()
  })
})

describeStore('a document made of two versions', () => {
  it('CHG-07: is found by its own digest, by the tenant that was given it', async () => {
    await using store = await setup()
    const clientId = identify()
    const [approvedDigest, currentDigest] = [
      await publish(store, clientId, 'one'),
      await publish(store, clientId, 'two'),
    ]
    await store.demand(clientId, { tenant: store.otherTenant })
    const client = await clientOf(store, clientId)
    const given = { clientId, digest: UNKNOWN, approvedDigest, currentDigest }
    for (let times = 0; times < 2; times += 1) {
      await withTenant(store.api, store.tenant, (trx) => noteEffectiveDocument(trx, given))
    }
    expect(await find(store, client, UNKNOWN)).toMatchObject({
      kind: 'effective',
      approved: { digest: approvedDigest },
      current: { digest: currentDigest },
    })
    expect(await find(store, client, UNKNOWN, store.otherTenant)).toBeUndefined()
  })

  it('CHG-09: is kept since it was given last, by the versions that are approved and current then', async () => {
    await using store = await setup()
    const { tenant: tenantId } = store
    const clientId = identify()
    const approvedDigest = await publish(store, clientId, 'one')
    await setApproval(store.owner, { tenantId, clientId, digest: approvedDigest })
    await publish(store, clientId, 'two')
    await publish(store, clientId, 'one')
    const currentDigest = await publish(store, clientId, 'three')
    const give = () => note(store, { clientId, digest: UNKNOWN, approvedDigest, currentDigest })
    await give()
    const first = await noted(store)
    expect(first.approved).toBe(await approvedBy(store))
    await store.moveClock(100 * DAY)
    await publish(store, clientId, 'two')
    await publish(store, clientId, 'three')
    await give()
    const again = await noted(store)
    expect([again.approved === first.approved, again.current === first.current]).toEqual([true, false])
    expect(Number(again.given_at) - Number(first.given_at)).toBeGreaterThanOrEqual(100 * DAY * 1000)
    await publish(store, clientId, 'four')
    const kept = { versionsKept: 20, versionDays: 90, attemptDays: 90 }
    await deleteOldVersions(store.scheduler, kept, { limit: 100 })
    const client = await clientOf(store, clientId)
    expect(await find(store, client, UNKNOWN)).toMatchObject({ kind: 'effective' })
    await store.moveClock(191 * DAY)
    await deleteOldVersions(store.scheduler, kept, { limit: 100 })
    expect(await find(store, client, UNKNOWN)).toBeUndefined()
  })

  it('is written again only once a day while it is made of the same versions', async () => {
    await using store = await setup()
    const clientId = identify()
    const approvedDigest = await publish(store, clientId, 'one')
    const currentDigest = await publish(store, clientId, 'two')
    const give = async (): Promise<string> => {
      await note(store, { clientId, digest: UNKNOWN, approvedDigest, currentDigest })
      return (await noted(store)).place
    }
    const first = await give()
    await store.moveClock(DAY - 60)
    expect(await give()).toBe(first)
    await store.moveClock(DAY + 60)
    expect(await give()).not.toBe(first)
  })
})

describeStore('a report', () => {
  const report = (
    store: TestStore,
    client: string,
    digest: string,
    kind: 'consent' | 'code',
    leaseSeconds: number,
  ) =>
    withTenant(store.api, store.tenant, (trx) => reportBinding(trx, { client, digest, kind, leaseSeconds }))
  const boundBy = (store: TestStore) =>
    store.owner.selectFrom('cimd.bindings').select(['version_id', 'kind', 'bound_until']).execute()

  it('CHG-09: binds a version until its lease ends, and only ever prolongs', async () => {
    await using store = await setup()
    const clientId = identify()
    const digest = await publish(store, clientId, 'one')
    const client = await clientOf(store, clientId)
    const long = await report(store, client, digest, 'consent', BINDING_LEASE_SECONDS.consent)
    expect(await report(store, client, digest, 'consent', 60)).toEqual(long)
    await store.moveClock(3600)
    const later = await report(store, client, digest, 'consent', BINDING_LEASE_SECONDS.consent)
    expect(Number(later) - Number(long)).toBeGreaterThanOrEqual(3_600_000)
    await report(store, client, digest, 'code', 60)
    expect((await boundBy(store)).map(({ kind }) => kind).toSorted()).toEqual(['code', 'consent'])
  })

  it('CHG-09: of a document made of two versions binds both', async () => {
    await using store = await setup()
    const clientId = identify()
    const [approvedDigest, currentDigest] = [
      await publish(store, clientId, 'one'),
      await publish(store, clientId, 'two'),
    ]
    const given = { clientId, digest: UNKNOWN, approvedDigest, currentDigest }
    await withTenant(store.api, store.tenant, (trx) => noteEffectiveDocument(trx, given))
    await report(store, await clientOf(store, clientId), UNKNOWN, 'code', 60)
    expect(new Set((await boundBy(store)).map(({ version_id }) => version_id)).size).toBe(2)
  })

  it('of a digest that names nothing binds nothing', async () => {
    await using store = await setup()
    const clientId = identify()
    await publish(store, clientId, 'one')
    expect(await report(store, await clientOf(store, clientId), UNKNOWN, 'code', 60)).toBeUndefined()
    expect(await boundBy(store)).toEqual([])
  })
})
