import { createHash } from 'node:crypto'
import { loadConfig, startApi } from '@cimd/api'
import { prepareQueueStore } from '@cimd/queue'
import { type Db, deleteUnusedLogos, findLogo, saveLogo } from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeStore, identify, shareStore } from './store-bundle.ts'

const LOGO = {
  body: Buffer.from('RIFF a picture'),
  contentType: 'image/webp',
  width: 64,
  height: 48,
} as const
const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex')
const DIGEST = digestOf(LOGO.body)
const DAY = 24 * 60 * 60

describeStore('logos in the store (UI-06)', () => {
  const store = shareStore()

  it('are found under the sha-256 of their bytes, kept once however often they are saved', async () => {
    expect(await saveLogo(store().fetcher, LOGO)).toBe(DIGEST)
    expect(await saveLogo(store().fetcher, LOGO)).toBe(DIGEST)
    expect(await findLogo(store().api, DIGEST)).toEqual(LOGO)
    expect(await findLogo(store().api, digestOf(Buffer.from('another')))).toBeUndefined()
  })

  it('are deleted once no client has them and they are old, unless they are saved again', async () => {
    const { api, fetcher, scheduler, owner, demand } = store()
    const [unused, used, again] = await Promise.all(
      ['unused', 'used', 'again'].map((name) => saveLogo(fetcher, { ...LOGO, body: Buffer.from(name) })),
    )
    const { client } = await demand(identify())
    await sql`insert into cimd.resources (client_ref, kind, url, host, digest)
      values (${client}, 'logo', 'https://a.example/logo', 'a.example', ${Buffer.from(String(used), 'hex')})`.execute(
      owner,
    )
    expect(await deleteAll(scheduler)).toBe(0)
    await store().moveClock(31 * DAY)
    await saveLogo(fetcher, { ...LOGO, body: Buffer.from('again') })
    await saveLogo(fetcher, LOGO)
    expect(await deleteAll(scheduler)).toBe(1)
    expect(await findLogo(api, String(unused))).toBeUndefined()
    expect(await findLogo(api, String(used))).toBeDefined()
    expect(await findLogo(api, String(again))).toBeDefined()
  })
})

/** How many of those kept for 30 days went, two of four at a time. */
async function deleteAll(scheduler: Db): Promise<number> {
  let deleted = 0
  let batches = 0
  for (let after: string | undefined = ''; after !== undefined; batches += 1) {
    const batch = await deleteUnusedLogos(scheduler, 30, { after, limit: 2 })
    deleted += batch.deleted
    after = batch.next
  }
  expect(batches).toBe(3)
  return deleted
}

describeStore('GET /logos/:digest (UI-04, UI-06)', () => {
  const store = shareStore()
  let api: Awaited<ReturnType<typeof startApi>>
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${api.port}/logos/${path}`, init)

  beforeAll(async () => {
    const queue = store().url
    await prepareQueueStore(queue, { grantTo: ['cimd_api'] })
    const environment = { CIMD_DATABASE_URL: store().url, CIMD_QUEUE_URL: queue, CIMD_API_PORT: '0' }
    api = await startApi(loadConfig({ ...environment, CIMD_LOG_LEVEL: 'silent' }))
    await saveLogo(store().fetcher, LOGO)
  })
  afterAll(() => api?.stop())

  it('gives the bytes to anybody, to be kept for good and run by nobody', async () => {
    const response = await get(DIGEST)
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(LOGO.body)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/webp',
      'content-length': String(LOGO.body.length),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'cross-origin',
      'content-disposition': `inline; filename="${DIGEST.slice(0, 16)}.webp"`,
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${DIGEST}"`,
    })
  })

  it.each([`"${DIGEST}"`, `W/"${DIGEST}"`, `"other", "${DIGEST}"`, '*'])(
    'answers 304 to whoever has it: %s',
    async (tags) => {
      const response = await get(DIGEST, { headers: { 'if-none-match': tags } })
      expect([response.status, await response.text()]).toEqual([304, ''])
      expect(response.headers.get('etag')).toBe(`"${DIGEST}"`)
      expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
    },
  )

  it('gives it to whoever has another', async () => {
    expect((await get(DIGEST, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })

  it('answers HEAD without the bytes', async () => {
    const response = await get(DIGEST, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('content-length')).toBe(String(LOGO.body.length))
  })

  it.each([
    digestOf(Buffer.from('no such logo')),
    DIGEST.toUpperCase(),
    DIGEST.slice(1),
    `${DIGEST}00`,
    '%27%20or%201=1',
    '..%2f..%2fetc%2fpasswd',
  ])('knows no logo %s, and lets nobody remember that', async (path) => {
    const response = await get(path)
    expect([response.status, response.headers.get('cache-control')]).toEqual([404, 'no-store'])
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ code: 'not_found' })
  })

  it.each([
    ['a'.repeat(101), 414],
    ['%ff', 400],
  ])('answers a path that no route can read with a problem: %s', async (path, status) => {
    const response = await get(path)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toMatchObject({ status, code: 'bad_request', class: 'request' })
  })

  it('is described, without a key', async () => {
    const response = await fetch(`http://127.0.0.1:${api.port}/openapi.json`)
    const description = (await response.json()) as OpenApi
    const operation = description.paths['/logos/{digest}']?.get
    expect(operation?.security).toEqual([])
    expect(Object.keys(operation?.responses['200']?.content ?? {})).toEqual(['image/webp', 'image/png'])
    const routes = Object.values(description.paths).flatMap((methods) => Object.values(methods ?? {}))
    for (const { responses } of routes)
      for (const status of ['4XX', '5XX'])
        expect(Object.keys(responses[status]?.content ?? {})).toEqual(['application/problem+json'])
  })
})

type Operation = { security: unknown[]; responses: Record<string, { content: object }> }
type OpenApi = { paths: Record<string, { get?: Operation; post?: Operation }> }
