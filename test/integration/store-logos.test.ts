import { judgeAttempt, type NamedResource } from '@cimd/core'
import { claimResources, deleteUnusedLogos, findLogo, recordResource, saveLogo } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, type TestStore, validRecord } from './store-bundle.ts'

const DAY = 86_400
const KEPT_DAYS = 30
const LOGO: NamedResource = { kind: 'logo', url: 'https://app.example.net/l.png', host: 'app.example.net' }
const MOVED: NamedResource = { ...LOGO, url: 'https://app.example.net/moved.png' }

describeStore('a logo that a client leaves (UI-06)', () => {
  it.each<[string, (store: TestStore, clientId: ReturnType<typeof identify>) => Promise<unknown>]>([
    ['for another image', async (store) => found(store, await save(store, 'another'))],
    ['for another URL', (store, clientId) => name(store, clientId, [MOVED])],
    ['for none', (store, clientId) => name(store, clientId, [])],
  ])('%s is kept from then on, however long ago it was stored', async (_what, leave) => {
    await using store = await setup()
    const clientId = identify()
    const digest = await save(store, 'one')
    await name(store, clientId, [LOGO])
    await found(store, digest)
    await store.moveClock((KEPT_DAYS + 1) * DAY)
    await wantAgain(store)
    await found(store, digest)
    await wantAgain(store)
    await leave(store, clientId)
    expect(await isKept(store, digest)).toBe(true)
    await store.moveClock((2 * KEPT_DAYS + 2) * DAY)
    expect(await isKept(store, digest)).toBe(false)
  })

  it('is written neither when it is confirmed nor when the document names it again', async () => {
    await using store = await setup()
    const clientId = identify()
    const digest = await save(store, 'one')
    await name(store, clientId, [LOGO])
    await found(store, digest)
    const before = await placeOf(store)
    await wantAgain(store)
    await found(store, digest)
    await name(store, clientId, [LOGO])
    expect(await placeOf(store)).toEqual(before)
  })

  it('to a fetcher that lost its claim is not left', async () => {
    await using store = await setup()
    const digest = await save(store, 'one')
    await name(store, identify(), [LOGO])
    await found(store, digest)
    const before = await placeOf(store)
    await wantAgain(store)
    const claim = await claimLogo(store)
    await sql`update cimd.resources set claim_token = gen_random_uuid()`.execute(store.owner)
    expect(await recordResource(store.fetcher, foundRecord(claim, 'ab'.repeat(32)))).toEqual({
      applied: false,
    })
    expect(await placeOf(store)).toEqual(before)
  })
})

const save = ({ fetcher }: TestStore, image: string): Promise<string> =>
  saveLogo(fetcher, { body: Buffer.from(image), contentType: 'image/webp', width: 1, height: 1 })

/** Records a valid document that names these resources. */
const name = (store: TestStore, clientId: ReturnType<typeof identify>, resources: readonly NamedResource[]) =>
  store.fetch(clientId, (claim) => ({ ...validRecord(claim), resources }))

const wantAgain = ({ owner }: TestStore) =>
  sql`update cimd.resources set wanted = wanted + 1, due_at = cimd.cimd_now()`.execute(owner)

/** Records an attempt that found the image with this digest. */
async function found(store: TestStore, digest: string): Promise<void> {
  const { applied } = await recordResource(store.fetcher, foundRecord(await claimLogo(store), digest))
  expect(applied).toBe(true)
}

async function claimLogo({ owner, fetcher }: TestStore) {
  const { id } = await owner.selectFrom('cimd.clients').select('id').executeTakeFirstOrThrow()
  const [claim] = await claimResources(fetcher, id, ['logo'], 20)
  if (claim === undefined) throw new Error('the logo cannot be claimed')
  return claim
}

function foundRecord(claim: Awaited<ReturnType<typeof claimLogo>>, digest: string) {
  const finishedAt = new Date(claim.claimedAt.getTime() + 50)
  const freshness = {
    ...{ freshForSeconds: 3600, staleWhileRevalidateSeconds: 60, staleIfErrorSeconds: undefined },
    staleForbidden: false,
  }
  const outcome = { kind: 'valid', digest, freshness, changes: [] } as const
  const { standing, nextAttemptAt } = judgeAttempt(claim.standing, outcome, finishedAt, 0)
  return { claim, finishedAt, standing, nextAttemptAt, events: [] }
}

/** Whether a logo is still there after those have gone that nobody needs. */
async function isKept({ scheduler, api }: TestStore, digest: string): Promise<boolean> {
  await deleteUnusedLogos(scheduler, KEPT_DAYS, { limit: 100 })
  return (await findLogo(api, digest)) !== undefined
}

/** Where the rows of logos are, which moves when one is written or locked. */
async function placeOf({ owner }: TestStore) {
  const { rows } = await sql`select digest, ctid, xmin, xmax from cimd.logos`.execute(owner)
  return rows
}
