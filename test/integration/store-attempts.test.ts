import type { ClientIdUrl, FetchEvidence, FetchResult } from '@cimd/core'
import { fetchClient } from '@cimd/fetcher'
import { type AttemptRecord, type Claim, claimClient, recordAttempt } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { documentOf } from '../harness/documents.ts'
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

const BACKGROUND = { urgent: false }

describeStore('recording an attempt', () => {
  it('writes attempt, version, state, schedule and events together', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const record = { ...validRecord(await store.claim(client)), validators: { etag: '"1"' } }
    expect(await recordAttempt(store.fetcher, record)).toEqual({ applied: true, next: undefined })
    const row = await store.row(client)
    expect(row).toMatchObject({ state: 'valid', done: 1, claimed: null, claim_token: null, etag: '"1"' })
    expect(await versionsOf(store, clientId)).toEqual([
      { id: row.version_id, digest: record.newVersion?.digest },
    ])
    expect(await attemptsOf(store, client)).toEqual([
      { generation: 1, outcome: 'fetched', applied: true, failure_code: null, version_id: row.version_id },
    ])
    expect(await eventsOf(store, client)).toEqual([{ client_seq: 1, type: 'client.discovered' }])
    expect(await dueOf(store, client)).toEqual(record.nextAttemptAt)
  })

  it('writes nothing at all when any part is refused', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const claim = await store.claim(client)
    const record = validRecord(claim)
    const forged = {
      ...record,
      newVersion: { ...record.newVersion, digest: 'ab'.repeat(32) },
    } as AttemptRecord
    await expect(recordAttempt(store.fetcher, forged)).rejects.toMatchObject({ code: '23514' })
    expect(await store.row(client)).toMatchObject({ state: 'discovering', done: 0, claim_token: claim.token })
    expect(await attemptsOf(store, client)).toEqual([])
    expect(await eventsOf(store, client)).toEqual([])
    expect(await recordAttempt(store.fetcher, record)).toMatchObject({ applied: true })
  })

  it('announces once that a client is stale, and once that it has recovered', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await store.moveClock(60)
    for (const code of ['redirect', 'status_5xx'] as const) {
      await store.fetch(clientId, (claim) => failedRecord(claim, code))
    }
    const { client } = await store.demand(clientId, { forced: true })
    const claim = await store.claim(client)
    expect(claim.standing.staleAnnounced).toBe('redirect')
    await recordAttempt(store.fetcher, validRecord(claim))
    await store.fetch(clientId)
    expect((await eventsOf(store, client)).map(({ type }) => type)).toEqual([
      ...['client.discovered', 'client.stale', 'client.recovered'],
    ])
  })

  it('announces that a client has recovered also where code of an older schema found it valid', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await store.fetch(clientId, (claim) => failedRecord(claim, 'redirect'))
    const { client } = await store.demand(clientId, { forced: true })
    // As it leaves the row: it knows nothing of what was announced.
    await sql`update cimd.clients set state = 'valid', failure_code = null, failing_since = null
      where id = ${client}`.execute(store.owner)
    await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
    expect((await eventsOf(store, client)).map(({ type }) => type)).toEqual([
      ...['client.discovered', 'client.stale', 'client.recovered'],
    ])
  })

  it('keeps every version and points at the newest', async () => {
    await using store = await setup()
    const clientId = identify()
    for (const client_name of ['one', 'two', 'three']) {
      await store.fetch(clientId, (claim) => validRecord(claim, { client_name }))
    }
    const { client } = await store.demand(clientId)
    const versions = await versionsOf(store, clientId)
    expect(versions).toHaveLength(3)
    expect((await store.row(client)).version_id).toBe(versions.at(-1)?.id)
  })

  it('CAC-12: of a 304 makes no version, and hands its joined headers to the next claim', async () => {
    await using store = await setup()
    const clientId = identify()
    const stored = { 'cache-control': ['max-age=7200'], age: ['60'], etag: ['"1"'] }
    const body = new TextEncoder().encode(JSON.stringify(documentOf(clientId)))
    const served = {
      kind: 'fetched',
      body,
      contentType: 'application/json',
      headers: stored,
      evidence,
    } as const
    await fetchOnce(store, clientId, served)
    await fetchOnce(store, clientId, { kind: 'not_modified', headers: { vary: ['accept'] }, evidence })
    const { client } = await store.demand(clientId, { forced: true })
    const claim = await store.claim(client)
    expect(claim.cacheHeaders).toEqual({ 'cache-control': ['max-age=7200'], etag: ['"1"'], vary: ['accept'] })
    expect(claim.validators).toEqual({ etag: '"1"' })
    const { validatedAt, freshUntil } = claim.standing
    expect(Number(freshUntil) - Number(validatedAt)).toBe(7_200_000)
    expect(await versionsOf(store, clientId)).toHaveLength(1)
    expect((await attemptsOf(store, client)).map(({ outcome }) => outcome)).toEqual([
      'fetched',
      'not_modified',
    ])
    await recordAttempt(store.fetcher, failedRecord(claim, 'status_5xx'))
    await store.demand(clientId, { forced: true })
    expect((await store.claim(client)).cacheHeaders).toEqual(claim.cacheHeaders)
  })

  it('CAC-08: of an answer whose stale-if-error overflows keeps as much of it as there is room for', async () => {
    await using store = await setup()
    const clientId = identify()
    const body = new TextEncoder().encode(JSON.stringify(documentOf(clientId)))
    const headers = { 'cache-control': ['max-age=7200, stale-if-error=99999999999'] }
    await fetchOnce(store, clientId, {
      ...{ kind: 'fetched', body, contentType: 'application/json', headers, evidence },
    })
    const { client } = await store.demand(clientId)
    const { standing } = await store.claim(client)
    expect(standing).toMatchObject({ state: 'valid', staleIfErrorSeconds: 2_147_483_647 })
  })

  it('makes no version and no event of an unchanged document', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    await store.fetch(clientId)
    const { client } = await store.demand(clientId)
    const [version, ...more] = await versionsOf(store, clientId)
    expect(more).toEqual([])
    expect((await attemptsOf(store, client)).map(({ outcome, version_id }) => [outcome, version_id])).toEqual(
      [
        ['fetched', version?.id],
        ['not_modified', version?.id],
      ],
    )
    expect(await eventsOf(store, client)).toHaveLength(1)
  })

  it('of a failure keeps the last valid version and its validators (CAC-07)', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => ({ ...validRecord(claim), validators: { etag: '"1"' } }))
    const { client } = await store.demand(clientId)
    const before = await store.row(client)
    await recordAttempt(store.fetcher, failedRecord(await store.claim(client), 'status_404'))
    const { version_id, etag } = before
    expect(await store.row(client)).toMatchObject({
      state: 'failing',
      version_id,
      etag,
      failure_code: 'status_404',
    })
    expect((await attemptsOf(store, client)).at(-1)).toMatchObject({ outcome: 'failed', version_id: null })
  })

  it('of a failure before any version leaves nothing due (CAC-04)', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => failedRecord(claim, 'dns_not_found'))
    expect(await store.owner.selectFrom('cimd.schedule').select('due_at').execute()).toEqual([])
  })
})

describeStore('a late result', () => {
  it('leaves the client untouched and is kept as an attempt that did not apply', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const lost = await store.claim(client)
    await store.moveClock(CLAIM_LEASE_SECONDS + 1)
    await recordAttempt(store.fetcher, validRecord(await store.claim(client), { client_name: 'in time' }))
    const before = await store.row(client)
    const late = validRecord(lost, { client_name: 'late' })
    expect(await recordAttempt(store.fetcher, late)).toEqual({ applied: false, next: undefined })
    expect(await store.row(client)).toEqual(before)
    expect(await versionsOf(store, clientId)).toHaveLength(1)
    expect(await eventsOf(store, client)).toHaveLength(1)
    expect((await attemptsOf(store, client)).map(({ applied }) => applied)).toEqual([true, false])
  })

  it('still counts while nobody else has claimed the client', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const claim = await store.claim(client)
    await store.moveClock(3600)
    expect(await recordAttempt(store.fetcher, validRecord(claim))).toMatchObject({ applied: true })
  })

  it('recorded twice at once applies once', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const record = validRecord(await store.claim(client))
    const results = await Promise.all([1, 2, 3, 4].map(() => recordAttempt(store.fetcher, record)))
    expect(results.filter(({ applied }) => applied)).toHaveLength(1)
    expect(await eventsOf(store, client)).toHaveLength(1)
    expect((await attemptsOf(store, client)).map(({ applied }) => applied).toSorted()).toEqual([
      false,
      false,
      false,
      true,
    ])
  })
})

describeStore('demands that arrive during a fetch', () => {
  it.each([
    ['fetch', { forced: true }],
    ['refresh', { forced: true, ...BACKGROUND }],
  ])('name the %s queue for what the attempt does not answer', async (queue, demand) => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const claim = await store.claim(client)
    await store.demand(clientId, demand)
    expect(await recordAttempt(store.fetcher, validRecord(claim))).toEqual({ applied: true, next: queue })
    expect(await store.row(client)).toMatchObject({ wanted: 2, done: 1 })
    const due = await dueOf(store, client)
    expect(due).toBeInstanceOf(Date)
    expect((due?.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(5_000)
    expect((await store.claim(client)).generation).toBe(2)
  })

  it('count also when they commit between the snapshot of the recording and its lock', async () => {
    await using store = await setup()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const claim = await store.claim(client)
    const raised = createGate()
    const mayCommit = createGate()
    const raising = store.owner.transaction().execute(async (trx) => {
      const wanted = { wanted: 2, forced: 2, urgent: 2 }
      await trx.updateTable('cimd.clients').set(wanted).where('id', '=', client).execute()
      raised.open()
      await mayCommit.opened
    })
    await raised.opened
    const recording = recordAttempt(store.fetcher, validRecord(claim))
    await store.untilBlocked()
    mayCommit.open()
    await raising
    expect(await recording).toEqual({ applied: true, next: 'fetch' })
    const row = await store.row(client)
    expect(row).toMatchObject({ wanted: 2, forced: 2, urgent: 2, done: 1, state: 'valid', claimed: null })
    expect(row.version_id).not.toBeNull()
    expect(await eventsOf(store, client)).toHaveLength(1)
  })
})

describeStore('events', () => {
  it('of one client are numbered without gaps while many record and demand at once', async () => {
    await using store = await setup()
    const clients = [identify(), identify()]
    const work = async (clientId: (typeof clients)[number], worker: number) => {
      for (let turn = 0; turn < 8; turn += 1) {
        const { client } = await store.demand(clientId, { forced: true })
        const claim = await store.claim(client).catch(() => undefined)
        if (claim) await recordAttempt(store.fetcher, twoEvents(claim, `${worker} ${turn}`))
      }
    }
    await Promise.all(clients.flatMap((clientId) => [1, 2, 3, 4].map((worker) => work(clientId, worker))))
    for (const clientId of clients) {
      const { client } = await store.demand(clientId)
      const seqs = (await eventsOf(store, client)).map(({ client_seq }) => client_seq)
      // How many of the others find the client claimed is up to the machine.
      expect(seqs.length).toBeGreaterThanOrEqual(4)
      expect(seqs).toEqual(seqs.map((_, index) => index + 1))
      expect((await store.row(client)).event_seq).toBe(seqs.length)
    }
  })
})

describeStore('client rows', () => {
  it('stay HOT through the demand, claim and recording of an unchanged document', async () => {
    await using store = await setup({ connectionsMax: 1 })
    const clientId = identify()
    await store.fetch(clientId)
    const before = await updatesOfClients(store)
    // So few that all of them fit into one page: what else on the server holds up its cleaning is no matter.
    const turns = 3
    for (let turn = 0; turn < turns; turn += 1) await store.fetch(clientId)
    const after = await updatesOfClients(store)
    // Demand, claim, record.
    expect(after.all - before.all).toBe(3 * turns)
    expect(after.hot - before.hot).toBe(after.all - before.all)
  })
})

function twoEvents(claim: Claim, name: string): AttemptRecord {
  const record = validRecord(claim, { client_name: name })
  const event = { type: 'client.discovered', data: { digest: record.standing.digest ?? '' } } as const
  return { ...record, events: [event, event] }
}

function versionsOf({ owner }: TestStore, clientId: string) {
  return owner
    .selectFrom('cimd.versions')
    .select(['id', sql<string>`encode(digest, 'hex')`.as('digest')])
    .where('client_id', '=', clientId)
    .orderBy('id')
    .execute()
}

function attemptsOf({ owner }: TestStore, client: string) {
  return owner
    .selectFrom('cimd.attempts')
    .select(['generation', 'outcome', 'applied', 'failure_code', 'version_id'])
    .where('client_ref', '=', client)
    .orderBy('id')
    .execute()
}

function eventsOf({ owner }: TestStore, client: string) {
  return owner
    .selectFrom('cimd.outbox')
    .select(['client_seq', 'type'])
    .where('client_ref', '=', client)
    .orderBy('id')
    .execute()
}

async function dueOf({ owner }: TestStore, client: string): Promise<Date | undefined> {
  const query = owner.selectFrom('cimd.schedule').select('due_at').where('client_ref', '=', client)
  return (await query.executeTakeFirst())?.due_at
}

// Each backend counts for itself at first: the ones that wrote hand in their counts before we read.
async function updatesOfClients(store: TestStore): Promise<{ all: number; hot: number }> {
  for (const db of [store.api, store.fetcher]) await sql`select pg_stat_force_next_flush()`.execute(db)
  const { rows } = await sql<{ all: number; hot: number }>`
    select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables
    where relid = 'cimd.clients'::regclass`.execute(store.owner)
  if (rows[0] === undefined) throw new Error('no statistics of cimd.clients')
  return rows[0]
}

const evidence: FetchEvidence = {
  ...{ phase: 'body', addresses: [], status: 200, bodyBytes: 9, times: { totalMs: 0 } },
}

/** One job of the fetcher, whose network gives what the test says. */
async function fetchOnce(store: TestStore, clientId: ClientIdUrl, result: FetchResult): Promise<void> {
  const { client } = await store.demand(clientId)
  const nothing = async () => {}
  const end = await fetchClient(
    {
      claim: (id) => claimClient(store.fetcher, id, CLAIM_LEASE_SECONDS),
      takeBudget: async () => ({ kind: 'granted', release: nothing }),
      fetchDocument: async () => result,
      askNameServers: async () => ({ kind: 'unknown' }),
      observeOwner: async () => undefined,
      record: (record) => recordAttempt(store.fetcher, record),
      renewLinked: async (claim) => claim,
      ...{ announce: nothing, enqueue: nothing, defer: nothing, release: nothing, postpone: nothing },
      ...{ monotonicMs: () => 0, random: () => 0 },
    },
    client,
    new AbortController().signal,
  )
  expect(end).toMatchObject({ kind: 'recorded', recorded: { applied: true } })
}
