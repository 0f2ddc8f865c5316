import type { ClientIdUrl } from '@cimd/core'
import { type AttemptRecord, type Claim, deleteOldVersions, recordAttempt } from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const named =
  (client_name: string, announcement?: 'told' | 'held') =>
  (claim: Claim): AttemptRecord => ({
    ...validRecord(claim, { client_name }),
    ...(announcement && { announcement }),
  })

async function claimAgain(store: TestStore, clientId: ClientIdUrl): Promise<Claim> {
  const { client } = await store.demand(clientId, { forced: true })
  return store.claim(client)
}

describeStore('the version announced last', () => {
  it('CHG-10: stays what it was while changes are held, through failures too, until they are told', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    await store.fetch(clientId, named('two', 'held'))
    await store.fetch(clientId, named('three', 'held'))
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_5xx'))
    const claim = await claimAgain(store, clientId)
    expect(claim.history?.map(({ digest }) => digest).at(-1)).toBe(claim.version?.digest)
    expect(claim.history).toHaveLength(3)
    expect(claim.announced?.digest).toBe(claim.history?.[0]?.digest)
    expect(Buffer.from(claim.announced?.body ?? []).toString()).toContain('"one"')

    await recordAttempt(store.fetcher, named('three', 'told')(claim))
    expect((await claimAgain(store, clientId)).announced).toBeUndefined()
  })

  it('CHG-10: is kept for as long as something is held against it, however many versions there are', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    for (const name of ['two', 'three', 'four']) await store.fetch(clientId, named(name, 'held'))
    const { announced } = await claimAgain(store, clientId)
    await store.moveClock(60)
    const retention = { versionsKept: 1, versionDays: 1, attemptDays: 1 }
    const { deleted } = await deleteOldVersions(store.scheduler, retention, { after: '0', limit: 100 })
    expect(deleted).toBe(2)
    const claim = await claimAgain(store, clientId)
    expect(claim.announced).toEqual(announced)
    expect(claim.history).toHaveLength(2)
  })

  it('is the current one where nothing was held', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, named('one'))
    await store.fetch(clientId, named('two'))
    expect(await claimAgain(store, clientId)).toMatchObject({ announced: undefined })
  })

  it('CHG-10: the history of a claim is bounded', async () => {
    await using store = await setup()
    const clientId = identify()
    for (let version = 0; version < 18; version += 1) {
      await store.fetch(clientId, named(`version ${version}`))
    }
    const { history, version } = await claimAgain(store, clientId)
    expect(history).toHaveLength(16)
    expect(history?.at(-1)).toEqual({ digest: version?.digest, since: version?.fetchedAt })
  })
})
