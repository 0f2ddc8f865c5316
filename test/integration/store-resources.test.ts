import { type ClientEvent, judgeAttempt, type LinkedKind, type NamedResource, sha256Hex } from '@cimd/core'
import {
  applyResourceActions,
  claimResources,
  deferResource,
  demandKeys,
  findClient,
  inTransaction,
  lockDueResources,
  pauseResource,
  type RecordedAttempt,
  type ResourceClaim,
  type ResourceRecord,
  recordAttempt,
  recordResource,
  releaseResource,
  saveLogo,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import {
  createGate,
  describeStore,
  failedRecord,
  identify,
  setup,
  type TestStore,
  validRecord,
} from './store-bundle.ts'

const LEASE_SECONDS = 20
const KEYS: NamedResource = { kind: 'jwks', url: 'https://keys.example.net/jwks', host: 'keys.example.net' }
const LOGO: NamedResource = { kind: 'logo', url: 'https://app.example.net/l.png', host: 'app.example.net' }
const MOVED: NamedResource = { ...KEYS, url: 'https://keys.example.net/moved' }
const BODY = new TextEncoder().encode('{"keys":[]}')
const freshness = {
  ...{ freshForSeconds: 3600, staleWhileRevalidateSeconds: 60, staleIfErrorSeconds: undefined },
  staleForbidden: false,
}
const EVENT: ClientEvent = {
  type: 'client.keys_changed',
  data: { source: 'jwks_uri', to_digest: sha256Hex(BODY), added: ['x'], removed: [] },
}

describeStore('what a valid document names', () => {
  it('is wanted with it, in the same statement, and unchanged by a version that names the same', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS, LOGO])
    const before = await resourcesOf(store)
    expect(before).toMatchObject([
      { ...KEYS, state: 'discovering', wanted: 1, urgent: 1, done: 0 },
      { ...LOGO, state: 'discovering', wanted: 1, urgent: 0, done: 0 },
    ])
    await name(store, clientId, [KEYS, LOGO], 'another')
    expect(await resourcesOf(store)).toEqual(before)
  })

  it('begins anew without the old body at another URL, and ends where it is named no more (CHG-08)', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS, LOGO])
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    await name(store, clientId, [MOVED], 'moved')
    expect(await resourcesOf(store)).toMatchObject([
      { ...MOVED, state: 'discovering', wanted: 2, done: 1, digest: null, body: null, usable_until: null },
    ])
    await name(store, clientId, [], 'none')
    expect(await resourcesOf(store)).toEqual([])
  })

  it('stays through a failed attempt, and through a late one (CAC-07)', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    await store.fetch(clientId, (claim) => failedRecord(claim, 'status_404'))
    const { client } = await store.demand(clientId)
    const lost = await store.claim(client)
    await store.moveClock(60)
    await store.claim(client)
    const late = { ...validRecord(lost, { client_name: 'late' }), resources: [] }
    expect(await recordAttempt(store.fetcher, late)).toMatchObject({ applied: false })
    expect(await resourcesOf(store)).toMatchObject([KEYS])
  })

  it('is wanted again where it slept because nobody used the client', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    const { client } = await store.demand(clientId, { forced: true })
    await sql`update cimd.resources set due_at = null`.execute(store.owner)
    await recordAttempt(store.fetcher, { ...validRecord(await store.claim(client)), resources: [KEYS] })
    const [resource] = await resourcesOf(store)
    expect(resource).toMatchObject({ wanted: 2, done: 1, state: 'valid', body: Buffer.from(BODY) })
    expect(resource?.due_at).not.toBeNull()
  })
})

describeStore('claiming and recording a resource', () => {
  it('is for one fetcher at a time, until its lease ends', async () => {
    await using store = await setup()
    await name(store, identify(), [KEYS, LOGO])
    expect((await claimAll(store, ['jwks'])).map(({ kind }) => kind)).toEqual(['jwks'])
    expect((await claimAll(store)).map(({ kind }) => kind)).toEqual(['logo'])
    expect(await claimAll(store)).toEqual([])
    await store.moveClock(LEASE_SECONDS + 1)
    expect(await claimAll(store)).toHaveLength(2)
  })

  it('orders its events with those of the document by the client (client_seq)', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    const [claim] = await claimAll(store)
    expect(await recordResource(store.fetcher, { ...foundRecord(claim), events: [EVENT] })).toEqual({
      applied: true,
    })
    await name(store, clientId, [KEYS], 'renamed')
    expect(await eventsOf(store)).toEqual([
      { client_seq: 1, type: 'client.discovered', data: expect.anything() },
      { client_seq: 2, ...EVENT },
      { client_seq: 3, type: 'client.metadata_changed', data: expect.anything() },
    ])
    expect(await resourcesOf(store)).toMatchObject([
      {
        state: 'valid',
        done: 1,
        claim_token: null,
        body: Buffer.from(BODY),
        digest: Buffer.from(sha256Hex(BODY), 'hex'),
      },
    ])
  })

  it('CAC-12: hands the headers that were stored to the next claim, through a failure too', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    const cacheHeaders = { 'cache-control': ['max-age=7200'] }
    for (const claim of await claimAll(store))
      await recordResource(store.fetcher, { ...foundRecord(claim), cacheHeaders })
    for (const recordOf of [lostRecord, foundRecord]) {
      await sql`update cimd.resources set wanted = done + 1`.execute(store.owner)
      const [claim] = await claimAll(store)
      expect(claim?.cacheHeaders).toEqual(cacheHeaders)
      if (claim) await recordResource(store.fetcher, recordOf(claim))
    }
  })

  it('of a failure keeps the last body (CAC-07)', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    const { client } = await store.demand(clientId)
    await store.moveClock(120)
    await withTenant(store.api, store.tenant, (trx) => demandKeys(trx, client))
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, lostRecord(claim))
    expect(await resourcesOf(store)).toMatchObject([
      { state: 'failing', failure_code: 'status_404', failure_detail: 'told', body: Buffer.from(BODY) },
    ])
  })

  it('writes nothing of keys from a URL that the document left while they were fetched (CHG-08)', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    const [claim] = await claimAll(store)
    await name(store, clientId, [MOVED], 'moved')
    const before = await resourcesOf(store)
    expect(await recordResource(store.fetcher, { ...foundRecord(claim), events: [EVENT] })).toEqual({
      applied: false,
    })
    expect(await resourcesOf(store)).toEqual(before)
    expect((await eventsOf(store)).map(({ type }) => type)).not.toContain(EVENT.type)
  })

  it('waits for the recording of the document, and gives way to what it names', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    const [claim] = await claimAll(store)
    const { client } = await store.demand(clientId)
    const attempt = {
      ...validRecord(await store.claim(client), { client_name: 'moved' }),
      resources: [MOVED],
    }
    const mayCommit = createGate()
    const locked = createGate()
    const recording = store.fetcher.transaction().execute(async (trx) => {
      await recordAttempt(trx, attempt)
      locked.open()
      await mayCommit.opened
    })
    await locked.opened
    const late = recordResource(store.fetcher, foundRecord(claim))
    await store.untilBlocked()
    mayCommit.open()
    await recording
    expect(await late).toEqual({ applied: false })
    expect(await resourcesOf(store)).toMatchObject([{ ...MOVED, state: 'discovering', body: null }])
  })

  it('gives a claim back at once, or after what a budget asks to wait (CAC-06)', async () => {
    await using store = await setup()
    await name(store, identify(), [KEYS])
    for (const claim of await claimAll(store)) await releaseResource(store.fetcher, claim)
    for (const claim of await claimAll(store)) await deferResource(store.fetcher, claim, 'host_budget', 30)
    expect(await claimAll(store)).toEqual([])
    await store.moveClock(31)
    expect(await claimAll(store)).toHaveLength(1)
  })
})

describeStore('a budget that asks a resource to wait (CAC-06)', () => {
  it('does not keep whoever asked for newer keys since it was claimed', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    await sql`update cimd.resources set wanted = done + 1`.execute(store.owner)
    const { client } = await store.demand(clientId)
    const [claim] = await claimAll(store)
    await withTenant(store.api, store.tenant, (trx) => demandKeys(trx, client))
    await deferResource(store.fetcher, claim, 'host_budget', 30)
    expect(await resourcesOf(store)).toMatchObject([{ deferred_until: null, deferred_code: null }])
    expect(await claimAll(store)).toMatchObject([{ urgent: true }])
  })
})

describeStore('a demand for newer keys (KEY-14)', () => {
  it('is joined by all that come before it is answered, and limited for a minute after it', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    const { client } = await store.demand(clientId)
    const demand = () => withTenant(store.api, store.tenant, (trx) => demandKeys(trx, client))
    expect(await demand()).toEqual({ kind: 'demanded', generation: 1, enqueue: false })
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    expect(await demand()).toMatchObject({ kind: 'limited' })
    await store.moveClock(61)
    const answers = await Promise.all(Array.from({ length: 8 }, demand))
    expect(answers.filter((answer) => answer.kind === 'demanded' && answer.enqueue)).toHaveLength(1)
    expect(new Set(answers.map((answer) => answer.kind === 'demanded' && answer.generation))).toEqual(
      new Set([2]),
    )
    expect(await claimAll(store)).toMatchObject([{ generation: 2, urgent: true }])
  })

  it('is none of a client without a jwks_uri', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const demanded = await withTenant(store.api, store.tenant, (trx) => demandKeys(trx, client))
    expect(demanded).toEqual({ kind: 'none' })
  })
})

describeStore('the record of a client', () => {
  it('has its key set and its logo, as they are handed on', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS, LOGO])
    const picture = Buffer.from('a picture')
    const digest = await saveLogo(store.fetcher, {
      body: picture,
      contentType: 'image/webp',
      width: 3,
      height: 2,
    })
    for (const claim of await claimAll(store)) {
      await recordResource(store.fetcher, foundRecord(claim, claim.kind === 'logo' ? digest : undefined))
    }
    const view = await withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
    const found = view.resources.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
    expect(found).toMatchObject([
      {
        kind: 'jwks',
        url: KEYS.url,
        body: Buffer.from(BODY),
        image: undefined,
        standing: { state: 'valid' },
      },
      { kind: 'logo', url: LOGO.url, image: { contentType: 'image/webp', width: 3, height: 2 } },
    ])
  })
})

describeStore('a resource that a fault of ours struck', () => {
  it('is left alone until the pause ends, and stays wanted', async () => {
    await using store = await setup()
    await name(store, identify(), [LOGO])
    const [claim] = await claimAll(store)
    await pauseResource(store.fetcher, claim, 300)
    const [row] = await resourcesOf(store)
    expect(row).toMatchObject({ wanted: 1, done: 0, claim_token: null, deferred_code: null })
    expect(row?.due_at).toEqual(row?.deferred_until)
    await store.moveClock(280)
    expect(await claimAll(store)).toEqual([])
    await store.moveClock(301)
    expect(await claimAll(store)).toHaveLength(1)
  })

  it('is taken up at once for the first who comes meanwhile to wait for it, and after its pause for who joins', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const { id } = await store.owner.selectFrom('cimd.clients').select('id').executeTakeFirstOrThrow()
    await sql`insert into cimd.resources (client_ref, kind, url, host, wanted)
      values (${id}, 'jwks', ${KEYS.url}, ${KEYS.host}, 1)`.execute(store.owner)
    const [claim] = await claimAll(store)
    await pauseResource(store.fetcher, claim, 300)
    await withTenant(store.api, store.tenant, (trx) => demandKeys(trx, id))
    const [again] = await claimAll(store)
    expect(again).toMatchObject({ kind: 'jwks', urgent: true })
    await pauseResource(store.fetcher, again, 20)
    const joined = await withTenant(store.api, store.tenant, (trx) => demandKeys(trx, id))
    expect(joined).toEqual({ kind: 'demanded', generation: 1, enqueue: false })
    expect(await claimAll(store)).toEqual([])
    await store.moveClock(21)
    expect(await claimAll(store)).toMatchObject([{ generation: 1, urgent: true }])
  })

  it('is not given back by a claim that was lost', async () => {
    await using store = await setup()
    await name(store, identify(), [LOGO])
    const [lost] = await claimAll(store)
    await store.moveClock(LEASE_SECONDS + 1)
    const [claim] = await claimAll(store)
    await pauseResource(store.fetcher, lost, 300)
    expect(await recordResource(store.fetcher, foundRecord(claim))).toEqual({ applied: true })
  })
})

describeStore('recording a resource', () => {
  it('keeps nobody from referring to its client', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    const [claim] = await claimAll(store)
    await store.fetcher.transaction().execute(async (recording) => {
      await recordResource(recording, { ...foundRecord(claim), events: [EVENT] })
      const referring = store.owner.transaction().execute(async (trx) => {
        // Or a wait for the lock would last as long as this test.
        await sql`set local lock_timeout = '5s'`.execute(trx)
        await sql`insert into cimd.canaries (client_ref) values (${claim.client})`.execute(trx)
      })
      await expect(referring).resolves.toBeUndefined()
    })
  })
})

describeStore('due resources', () => {
  it('are locked by one sweep, raised by a refresh and let sleep by a retirement', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS, LOGO])
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    const due = () => inTransaction(store.scheduler, (trx) => lockDueResources(trx, 10))
    expect(await due()).toEqual([])
    await store.moveClock(3600)
    const found = await due()
    expect(found).toMatchObject([{ facts: { wanted: 1, done: 1 } }, { facts: { wanted: 1, done: 1 } }])
    expect(found[0]?.facts.leasedUntil?.getTime()).toBeGreaterThan(found[0]?.now.getTime() ?? Number.NaN)
    await inTransaction(store.scheduler, async (trx) => {
      const [first, second] = await lockDueResources(trx, 10)
      // Another sweep meanwhile finds nothing to lock.
      expect(await due()).toEqual([])
      const lookAgainAt = new Date(Date.now() + 7_200_000)
      await applyResourceActions(trx, [
        { resource: first?.resource ?? '', action: { kind: 'refresh', lookAgainAt } },
        { resource: second?.resource ?? '', action: { kind: 'retire' } },
      ])
    })
    const [wanted, asleep] = (await resourcesOf(store)).toSorted((a, b) => b.wanted - a.wanted)
    expect(wanted).toMatchObject({ wanted: 2, done: 1 })
    expect(asleep).toMatchObject({ wanted: 1, due_at: null })
    expect(await due()).toEqual([])
  })

  it('put off for a day are looked at when they are stale once their client is used again (ARC-04)', async () => {
    await using store = await setup()
    const clientId = identify()
    await name(store, clientId, [KEYS])
    for (const claim of await claimAll(store)) await recordResource(store.fetcher, foundRecord(claim))
    await sql`update cimd.resources set due_at = due_at + interval '1 day'`.execute(store.owner)
    await store.demand(clientId)
    const [resource] = await resourcesOf(store)
    expect(resource?.due_at).toEqual(resource?.fresh_until)
  })

  it('are used by nobody while their client is dormant, and urgent ones are told apart', async () => {
    await using store = await setup()
    await name(store, identify(), [KEYS, LOGO])
    await sql`update cimd.clients set dormant_since = cimd.cimd_now()`.execute(store.owner)
    await store.moveClock(60)
    const lock = (urgentOnly: boolean) =>
      inTransaction(store.scheduler, (trx) => lockDueResources(trx, 10, { urgentOnly }))
    expect((await lock(false)).map(({ facts }) => facts.leasedUntil)).toEqual([undefined, undefined])
    expect(await lock(true)).toHaveLength(1)
  })

  it('are looked at before all others where somebody waits for them, and found without passing over those', async () => {
    await using store = await setup()
    await name(store, identify(), [KEYS, LOGO])
    await sql`update cimd.resources set due_at = now() - interval '1 hour' where kind = 'logo'`.execute(
      store.owner,
    )
    await store.moveClock(60)
    const [first] = await inTransaction(store.scheduler, (trx) => lockDueResources(trx, 1))
    expect(first?.facts.urgent).toBe(1)
    await sql`
      with made as (
        insert into cimd.clients (client_id, host)
        select 'https://many.example.net/' || n, 'many.example.net' from generate_series(1, 5000) n returning id
      )
      insert into cimd.resources (client_ref, kind, url, host, due_at)
      select id, 'jwks', 'https://many.example.net/jwks', 'many.example.net', now() - interval '1 day' from made`.execute(
      store.owner,
    )
    await sql`analyze cimd.resources`.execute(store.owner)
    const read = await inTransaction(store.scheduler, async (trx) => {
      expect(await lockDueResources(trx, 500, { urgentOnly: true })).toHaveLength(1)
      const { rows } = await sql<{ read: number }>`
        select (seq_tup_read + idx_tup_fetch)::integer as read from pg_stat_xact_user_tables
        where relid = 'cimd.resources'::regclass`.execute(trx)
      return rows[0]?.read
    })
    expect(read).toBeLessThan(100)
  })
})

/** Records a valid document that names these resources; another `title` is another version. */
async function name(
  store: TestStore,
  clientId: ReturnType<typeof identify>,
  resources: readonly NamedResource[],
  title?: string,
): Promise<RecordedAttempt> {
  return store.fetch(clientId, (claim) => ({
    ...validRecord(claim, title === undefined ? {} : { client_name: title }),
    resources,
  }))
}

async function claimAll(
  { owner, fetcher }: TestStore,
  kinds: readonly LinkedKind[] = ['jwks', 'logo'],
): Promise<[ResourceClaim, ...ResourceClaim[]]> {
  const { id } = await owner.selectFrom('cimd.clients').select('id').executeTakeFirstOrThrow()
  // The first is there where a test takes it by itself.
  return (await claimResources(fetcher, id, kinds, LEASE_SECONDS)) as unknown as [
    ResourceClaim,
    ...ResourceClaim[],
  ]
}

function foundRecord(claim: ResourceClaim, digest = sha256Hex(BODY)): ResourceRecord {
  const finishedAt = new Date(claim.claimedAt.getTime() + 50)
  const outcome = { kind: 'valid', digest, freshness, changes: [] } as const
  const { standing, nextAttemptAt } = judgeAttempt(claim.standing, outcome, finishedAt, 0)
  const body = claim.kind === 'jwks' ? { body: BODY } : {}
  return { claim, finishedAt, standing, nextAttemptAt, events: [], validators: { etag: '"1"' }, ...body }
}

function lostRecord(claim: ResourceClaim): ResourceRecord {
  const finishedAt = new Date(claim.claimedAt.getTime() + 50)
  const failure = { code: 'status_404', detail: 'told' } as const
  const outcome = { kind: 'failed', code: failure.code } as const
  const { standing, nextAttemptAt } = judgeAttempt(claim.standing, outcome, finishedAt, 0)
  return { claim, finishedAt, standing, nextAttemptAt, events: [], failure }
}

function resourcesOf({ owner }: TestStore) {
  return owner.selectFrom('cimd.resources').selectAll().orderBy('kind').execute()
}

function eventsOf({ owner }: TestStore) {
  return owner.selectFrom('cimd.outbox').select(['client_seq', 'type', 'data']).orderBy('id').execute()
}
