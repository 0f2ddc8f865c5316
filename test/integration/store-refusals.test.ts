import { createHash } from 'node:crypto'
import { parseClientMetadata } from '@cimd/core'
import { type Db, recordAttempt } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { documentOf } from '../harness/documents.ts'
import { describeStore, identify, shareStore, type TestStore, validRecord } from './store-bundle.ts'

const CHECK = '23514'
const FOREIGN_KEY = '23503'

// By raw SQL with the owner's rights: what no code of ours could get past.
describeStore('the database refuses', () => {
  const shared = shareStore()
  it('a digest that is not of the body', async () => {
    const store = shared()
    const { clientId } = await knownClient(store)
    const body = bodyOf({ client_id: clientId })
    await expect(insertVersion(store.owner, clientId, body, sha256('another body'))).rejects.toMatchObject({
      code: CHECK,
      constraint: 'versions_check',
    })
    await insertVersion(store.owner, clientId, body)
  })

  it.each([
    ['names another client', (clientId: string) => bodyOf({ client_id: `${clientId}x` })],
    [
      'names the client in other code units',
      (clientId: string) => bodyOf({ client_id: clientId.toUpperCase() }),
    ],
    ['names no client', () => bodyOf({ client_name: 'A client' })],
    ['has null for a client_id', () => bodyOf({ client_id: null })],
    ['is no object', (clientId: string) => bodyOf([clientId])],
    ['is a string', (clientId: string) => bodyOf(clientId)],
  ])('a body that %s', async (_what, make) => {
    const store = shared()
    const { clientId } = await knownClient(store)
    await expect(insertVersion(store.owner, clientId, make(clientId))).rejects.toMatchObject({
      code: CHECK,
      constraint: 'versions_body_names_client',
    })
  })

  it.each([
    ['is not JSON', Buffer.from('{"client_id":'), '22P02'],
    ['is empty', Buffer.alloc(0), '22P02'],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), '22021'],
  ])('a body that %s', async (_what, body, code) => {
    const store = shared()
    const { clientId } = await knownClient(store)
    await expect(insertVersion(store.owner, clientId, body)).rejects.toMatchObject({ code })
  })

  it('a client that points at the version of another', async () => {
    const store = shared()
    const mine = await knownClient(store)
    const other = await knownClient(store)
    const stolen = sql`update cimd.clients
      set version_id = (select version_id from cimd.clients where id = ${other.client}) where id = ${mine.client}`
    await expect(stolen.execute(store.owner)).rejects.toMatchObject({
      code: FOREIGN_KEY,
      constraint: 'clients_version_is_own',
    })
  })

  it.each([
    'http://client.example.net/x',
    'ftp://client.example.net/x',
    'HTTPSX://client.example.net/x',
    'https://client.example.net/ä',
    'https://client.example.net/a b',
    'https://client.example.net/a\n',
    'https://',
    `https://client.example.net/${'x'.repeat(2048)}`,
  ])('the client_id %j (CID-13, CID-16)', async (clientId) => {
    const store = shared()
    await expect(insertClient(store.owner, clientId)).rejects.toMatchObject({ code: CHECK })
  })

  it.each([
    'done = wanted + 1',
    'urgent = wanted + 1',
    'forced = wanted + 1',
    'claimed = wanted + 1, claim_token = gen_random_uuid(), claim_until = now()',
    'claimed = wanted',
    "state = 'discovering'",
    'usable_until = null',
    "failure_code = 'status_404'",
    "withdrawing_code = 'status_404'",
    "state = 'gone'",
  ])('a client with %s', async (assignment) => {
    const store = shared()
    const { client } = await knownClient(store)
    const update = sql`update cimd.clients set ${sql.raw(assignment)} where id = ${client}`
    await expect(update.execute(store.owner)).rejects.toMatchObject({ code: CHECK })
  })
})

describeStore('client identifiers', () => {
  const shared = shareStore()
  it.each([
    ['CID-10: case', '/A', '/a'],
    ['CID-20: percent-encoding', '/%7E', '/~'],
    ['CID-20: the case of percent-encoding', '/%C3%A9', '/%c3%a9'],
    ['CID-20: a trailing slash', '/client', '/client/'],
    ['CID-20: an empty segment', '/a//b', '/a/b'],
  ])('%s makes another client', async (_rule, one, other) => {
    const store = shared()
    const ids = [one, other].map((path) => identify(`https://client.example.net${path}`))
    const demands = []
    for (const clientId of ids) demands.push(await store.demand(clientId))
    expect(demands[0]?.client).not.toBe(demands[1]?.client)
    expect(demands.map(({ enqueue }) => enqueue)).toEqual([true, true])
    for (const [index, clientId] of ids.entries()) {
      expect(await store.demand(clientId)).toMatchObject({ client: demands[index]?.client, enqueue: false })
    }
  })

  it('compare by code unit whatever the locale of the server (CID-11)', async () => {
    const { rows } = await sql`
      select table_name, collation_name, data_type from information_schema.columns
      where table_schema = 'cimd' and column_name = 'client_id' order by table_name`.execute(shared().owner)
    const byCodeUnit = { collation_name: 'C', data_type: 'text' }
    expect(rows).toEqual(
      ['audit', 'audit_pending', 'clients', 'versions'].map((table_name) => ({ table_name, ...byCodeUnit })),
    )
  })
})

describeStore('the database holds every document that core accepts (DOC-16)', () => {
  const shared = shareStore()
  it.each([
    ['astral characters', String.raw`"\ud83d\ude00 😀"`],
    ['control characters', String.raw`"\u0001\u001f\u007f"`],
    ['large and small numbers', '[1e308, -1e308, 5e-324, 1e-99, 0.1]'],
    ['a long fraction', `0.${'0'.repeat(900)}1`],
    ['the deepest nesting core allows', `${'['.repeat(15)}${']'.repeat(15)}`],
    ['prototype names', '{"__proto__": 1, "constructor": 2}'],
    ['empty names and values', '{"": ""}'],
  ])('with %s', async (_what, value) => {
    const store = shared()
    const clientId = identify()
    const { client } = await store.demand(clientId)
    const claim = await store.claim(client)
    const document = JSON.stringify(documentOf(clientId))
    const body = Buffer.from(document.replace(/}$/, `,"unknown_member":${value}}`))
    expect(parseClientMetadata(body, clientId)).toMatchObject({ ok: true })
    const record = validRecord(claim)
    if (record.newVersion === undefined) throw new Error('a first document is a new version')
    const newVersion = { ...record.newVersion, body, digest: sha256(body).toString('hex') }
    expect(await recordAttempt(store.fetcher, { ...record, newVersion })).toMatchObject({ applied: true })
  })
})

async function knownClient(store: TestStore) {
  const clientId = identify()
  await store.fetch(clientId)
  const { client } = await store.demand(clientId)
  return { clientId, client }
}

function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function sha256(content: string | Buffer): Buffer {
  return createHash('sha256').update(content).digest()
}

async function insertVersion(
  owner: Db,
  clientId: string,
  body: Buffer,
  digest = sha256(body),
): Promise<void> {
  await sql`insert into cimd.versions (client_id, body, digest, content_type, rules_version, fetched_at)
    values (${clientId}, ${body}, ${digest}, 'application/json', 1, now())`.execute(owner)
}

async function insertClient(owner: Db, clientId: string): Promise<void> {
  await owner.insertInto('cimd.clients').values({ client_id: clientId, host: 'client.example.net' }).execute()
}
