import type { ClientIdUrl } from '@cimd/core'
import { type ApiKeyScope, createApiKey, recordAttempt } from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiAnswer, type ApiClient, createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, failedRecord, identify, shareStore, validRecord } from './store-bundle.ts'

const DAY = 86_400
const AT_ONCE = 4
const REDIRECT = 'https://app.example.net/cb'

/** The api on a store whose attempts the test records itself. */
function serveShared(environment: Readonly<Record<string, string>> = {}) {
  const store = shareStore()
  let api: Awaited<ReturnType<typeof serveApi>>
  beforeAll(async () => {
    api = await serveApi(store().url, environment)
  })
  afterAll(() => api.stop())

  const as = async (tenant: string, scopes: ApiKeyScope[] = ['resolve', 'policy', 'admin']) => {
    const client = createApiClient(() => api.baseUrl, await createApiKey(store().owner, tenant, scopes))
    return { ...client, ...callsOf(client) }
  }
  const publish = (clientId: ClientIdUrl, members: Record<string, unknown> = {}) =>
    store().fetch(clientId, (claim) => validRecord(claim, { redirect_uris: [REDIRECT], ...members }))
  return { store, as, publish }
}

function callsOf({ request, resolve, client }: ApiClient) {
  const post = (path: string, body: Record<string, unknown>) => {
    const headers = { 'content-type': 'application/json' }
    return request(path, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const report = async (client_id: string, subject: string, members: Record<string, unknown> = {}) => {
    const { digest } = (await resolve({ client_id, purpose: 'token' })).body
    return post('/v1/client/reports', { client_id, digest, kind: 'consent', subject, ...members })
  }
  return {
    post,
    report,
    /** So many users, a few at once: more would wait for a connection longer than a busy machine gives them. */
    reportMany: async (clientId: string, from: number, to: number) => {
      const users = Array.from({ length: to - from }, (_, index) => `user ${from + index}`)
      const answers: ApiAnswer[] = []
      while (users.length > 0) {
        const few = users.splice(0, AT_ONCE).map((user) => report(clientId, user))
        answers.push(...(await Promise.all(few)))
      }
      return answers
    },
    reputation: async (clientId: string) => (await client(clientId)).body.reputation,
  }
}

let domains = 0
/** A client of a registrable domain that no other test uses. */
function ofNewDomain(): string {
  domains += 1
  return `https://app.nobody-has-${domains}.com`
}

describeStore('what resolve says to show', () => {
  const { store, as, publish } = serveShared()

  it('UI-01, UI-03, POL-01: of a client that nobody has used is the host, where the code goes, and a warning', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await publish(clientId)
    const { body } = await api.resolve({ client_id: clientId, redirect_uri: REDIRECT })
    expect(body.display).toMatchObject({
      ...{ host: 'client.example.net', tier: 'first_seen', name: { text: 'A client', language: null } },
      show: { name: false, logo: false, links: false },
      redirect_host: { kind: 'https', host: 'app.example.net', scheme: 'https' },
    })
    expect(body.display.warnings).toContainEqual({
      code: 'never_seen',
      severity: 'danger',
      text: 'Nobody here has used the app at client.example.net before.',
      params: { host: 'client.example.net' },
    })
    expect(body.reputation).toMatchObject({
      tier: 'first_seen',
      reasons: [{ code: 'never_seen' }],
      token_limits: { new_subjects_per_hour: 10 },
    })
  })

  it('is said for authorize, par and tickets; for a token the limits alone, for a revocation nothing', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await publish(clientId)
    const told = async (purpose: string) => {
      const { body } = await api.resolve({ client_id: clientId, purpose })
      return [body.display !== undefined, body.reputation !== undefined]
    }
    expect(await told('authorize')).toEqual([true, true])
    expect(await told('par')).toEqual([true, true])
    expect(await told('token')).toEqual([false, true])
    expect(await told('revoke')).toEqual([false, false])
    const { ticket } = (await api.refresh({ client_id: clientId })).body
    await publish(clientId)
    expect((await api.ticket(ticket)).body.display).toMatchObject({ host: 'client.example.net' })
  })

  it('UI-03: leaves a redirect URI out that the document does not list', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await publish(clientId)
    const { body } = await api.resolve({ client_id: clientId, redirect_uri: 'https://evil.example/cb' })
    expect(body.redirect_match.matched).toBe(false)
    expect(body.display.redirect_host).toBeNull()
    expect(JSON.stringify(body.display)).not.toContain('evil.example')
  })

  it('is in the language of ui_locales, else of Accept-Language', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await publish(clientId, { 'client_name#de': 'Ein Client', 'client_name#fr': 'Un client' })
    const headers = { 'content-type': 'application/json', 'accept-language': 'fr;q=0.9, de' }
    const nameWith = async (request: Record<string, unknown>) => {
      const body = JSON.stringify({ client_id: clientId, ...request })
      return (await api.request('/v1/resolve', { method: 'POST', headers, body })).body.display.name
    }
    expect(await nameWith({})).toEqual({ text: 'Ein Client', language: 'de' })
    expect(await nameWith({ ui_locales: 'fr-CA en' })).toEqual({ text: 'Un client', language: 'fr' })
  })

  it('UI-07: has no character of a hostile document that could change the page', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    const name = '\u202eevil\u0007\u200b<script>alert(1)</script>\ngoogle.com \u2066'.padEnd(2_000, '\u0301x')
    await publish(clientId, {
      client_name: name,
      client_uri: 'javascript:alert(1)',
      policy_uri: 'https://user@evil.example/',
      tos_uri: 'https://evil.example/\u202e',
    })
    const { display } = (await api.resolve({ client_id: clientId })).body
    expect(display.name.text.length).toBeLessThan(1_000)
    expect(JSON.stringify(display)).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(display.links).toEqual({ client_uri: null, policy_uri: null, tos_uri: null })
    expect(display.warnings.map(({ code }: { code: string }) => code)).toContain('name_contains_host')
  })

  it('POL-08: warns of a host that looks like another, and of one that anybody publishes at', async () => {
    const api = await as(store().tenant)
    const codesAt = async (url: string) => {
      const clientId = identify(url)
      await publish(clientId)
      const { display } = (await api.resolve({ client_id: clientId })).body
      return display.warnings.map(({ code }: { code: string }) => code)
    }
    expect(await codesAt('https://g1thub.com/client.json')).toContain('look_alike_edit_distance')
    expect(await codesAt('https://raw.githubusercontent.com/a/b/client.json')).toContain('shared_host')
  })

  it('CHG-07: warns of what changed within a week, of whoever used it before', async () => {
    const [api, other] = [await as(store().tenant), await as(store().otherTenant)]
    const clientId = identify()
    const isToldOf = async (client: ApiClient) => {
      const { display } = (await client.resolve({ client_id: clientId })).body
      return display.warnings.find(({ code }: { code: string }) => code === 'recently_changed')?.params
    }
    await publish(clientId)
    expect(await isToldOf(api)).toBeUndefined()
    await publish(clientId, { client_name: 'Another name', redirect_uris: [REDIRECT, `${REDIRECT}2`] })
    expect(await isToldOf(api)).toEqual({ members: 'client_name', days: 7 })
    expect(await isToldOf(other)).toBeUndefined()
    await store().moveClock(8 * DAY)
    await publish(clientId, { client_name: 'Another name', redirect_uris: [REDIRECT, `${REDIRECT}2`] })
    expect(await isToldOf(api)).toBeUndefined()
    await store().moveClock(0)
  })

  it('CAC-13: says that a document could not be confirmed', async () => {
    const api = await as(store().tenant)
    const clientId = identify()
    await publish(clientId)
    const { client } = await store().demand(clientId, { forced: true })
    await recordAttempt(store().fetcher, failedRecord(await store().claim(client), 'status_5xx'))
    await store().moveClock(3_700)
    const { body } = await api.resolve({ client_id: clientId, purpose: 'token' })
    expect(body.freshness.state).toBe('stale')
    const { display } = (await api.resolve({ client_id: clientId, wait_ms: 0 })).body
    expect(display.warnings.map(({ code }: { code: string }) => code)).toContain('stale')
    await store().moveClock(0)
  })
})

describeStore('the reputation of a client', () => {
  const { store, as, publish } = serveShared()

  it('POL-01: rises with the users that are reported, and with days', async () => {
    const api = await as(store().tenant)
    const clientId = identify(`${ofNewDomain()}/client.json`)
    await publish(clientId, { client_uri: 'https://client.example.net/' })
    const shown = async () => {
      const { display } = (await api.resolve({ client_id: clientId })).body
      return [display.tier, display.show]
    }
    await api.reportMany(clientId, 0, 10)
    expect(await shown()).toEqual(['tried', { name: false, logo: false, links: false }])
    await api.reportMany(clientId, 10, 100)
    expect((await api.reputation(clientId)).reasons).toMatchObject([
      { code: 'subjects' },
      { code: 'too_young' },
    ])
    await store().moveClock(DAY)
    await publish(clientId, { client_uri: 'https://client.example.net/' })
    expect(await shown()).toEqual(['known', { name: true, logo: false, links: false }])
    const { status, body } = await api.post('/v1/client/reviewed', { client_id: clientId })
    expect([status, Object.keys(body)]).toEqual([200, ['reviewed_at']])
    expect(await shown()).toEqual(['reviewed', { name: true, logo: true, links: true }])
    await api.post('/v1/client/reviewed', { client_id: clientId, reviewed: false })
    expect((await shown())[0]).toBe('known')
    await store().moveClock(0)
  })

  it('counts a subject once per client and once per domain, however many report it at once', async () => {
    const api = await as(store().tenant)
    const origin = ofNewDomain()
    const clientIds = [identify(`${origin}/one.json`), identify(`${origin}/two.json`)]
    for (const clientId of clientIds) await publish(clientId)
    const answers = await Promise.all([
      ...clientIds.flatMap((clientId) => [1, 2, 3].map(() => api.reportMany(clientId, 0, 15))),
      api.reportMany(clientIds[0] ?? '', 15, 20),
    ])
    expect(new Set(answers.flat().map(({ status }) => status))).toEqual(new Set([200]))
    const [one, two] = await Promise.all(clientIds.map(api.reputation))
    expect(one).toMatchObject({ subjects: 20, domain_subjects: 20, domain_clients: 2, hosting: 'own' })
    expect(two).toMatchObject({ subjects: 15, domain_subjects: 20, domain_clients: 2 })
  })

  it('does not count who only asked to log in, nor a code, nor a report of nobody', async () => {
    const api = await as(store().tenant)
    const clientId = identify(`${ofNewDomain()}/client.json`)
    await publish(clientId)
    const { digest } = (await api.resolve({ client_id: clientId, subject: 'alice' })).body
    await api.report(clientId, 'alice', { kind: 'code', redirect_uri: REDIRECT, auth_method: 'none' })
    await api.post('/v1/client/reports', { client_id: clientId, digest, kind: 'consent' })
    expect(await api.reputation(clientId)).toMatchObject({ subjects: 0, domain_clients: 0 })
    await api.report(clientId, 'alice', { kind: 'token', scope: 'read', grant_type: 'authorization_code' })
    const reputation = await api.reputation(clientId)
    expect(reputation).toMatchObject({ subjects: 1, tier: 'first_seen', reasons: [{ code: 'subjects' }] })
    expect(reputation.first_seen).toBe(reputation.last_seen)
  })

  it('is one tier less after a year without use', async () => {
    const api = await as(store().tenant)
    const clientId = identify(`${ofNewDomain()}/client.json`)
    await publish(clientId)
    await api.reportMany(clientId, 0, 10)
    await store().moveClock(366 * DAY)
    await publish(clientId)
    const reputation = await api.reputation(clientId)
    expect([reputation.tier, reputation.reasons.at(-1)]).toMatchObject([
      'first_seen',
      { code: 'long_unused' },
    ])
    await api.report(clientId, 'user 0')
    expect((await api.reputation(clientId)).tier).toBe('tried')
    await store().moveClock(0)
  })

  it('is of its tenant alone', async () => {
    const [api, other] = [await as(store().tenant), await as(store().otherTenant)]
    const clientId = identify(`${ofNewDomain()}/client.json`)
    await publish(clientId)
    await api.reportMany(clientId, 0, 12)
    await api.post('/v1/client/reviewed', { client_id: clientId })
    const { body } = await other.resolve({ client_id: clientId })
    expect(body.reputation).toMatchObject({ tier: 'first_seen', reasons: [{ code: 'never_seen' }] })
    const { subjects, domain_subjects, domain_clients } = await other.reputation(clientId)
    expect([subjects, domain_subjects, domain_clients]).toEqual([0, 0, 0])
    await other.reportMany(clientId, 0, 1)
    expect((await api.reputation(clientId)).subjects).toBe(12)
    expect(await fleetRows()).toEqual([0, 0])
  })

  const fleetRows = async () => {
    const { rows } = await sql<{ clients: number; domains: number }>`
      select (select count(*) from cimd.fleet_client_reputation) as clients,
        (select count(*) from cimd.fleet_domain_reputation) as domains`.execute(store().owner)
    return [rows[0]?.clients, rows[0]?.domains]
  }

  it('POL-08: of a domain may be reviewed as a whole, where it has one owner', async () => {
    const api = await as(store().tenant)
    const origin = ofNewDomain()
    const domain = new URL(origin).hostname.replace('app.', '')
    const clientId = identify(`${origin}/client.json`)
    await publish(clientId)
    expect((await api.post('/v1/client/reviewed', { domain })).status).toBe(200)
    expect((await api.reputation(clientId)).tier).toBe('reviewed')
    const refused = async (request: Record<string, unknown>) => {
      const { status, body } = await api.post('/v1/client/reviewed', request)
      return [status, body.code]
    }
    for (const shared of ['raw.githubusercontent.com', 'github.io', 'co.uk'])
      expect(await refused({ domain: shared })).toEqual([400, 'domain_shared'])
    expect(await refused({ domain: `www.${domain}` })).toEqual([400, 'bad_request'])
    expect(await refused({ domain, client_id: clientId })).toEqual([400, 'bad_request'])
    expect(await refused({})).toEqual([400, 'bad_request'])
    const reader = await as(store().tenant, ['resolve'])
    expect((await reader.post('/v1/client/reviewed', { domain })).body.code).toBe('missing_scope')
  })
})

describeStore('a subject', () => {
  const { store, as, publish } = serveShared()
  const ALICE = 'alice@example.org'
  const subjects = async () => (await store().owner.selectFrom('cimd.subjects').selectAll().execute()).length

  it('ARC-10: is kept as a pseudonym, erased on demand, and somebody new after that; what it counted for stays', async () => {
    const api = await as(store().tenant)
    const clientId = identify(`${ofNewDomain()}/client.json`)
    await publish(clientId)
    await api.report(clientId, ALICE)
    await api.report(clientId, ALICE)
    expect(await subjects()).toBe(1)
    expect(await api.post('/v1/subjects/erase', { subject: ALICE })).toMatchObject({ body: { erased: true } })
    expect(await api.post('/v1/subjects/erase', { subject: ALICE })).toMatchObject({
      body: { erased: false },
    })
    expect(await subjects()).toBe(0)
    const traces = await store().owner.selectFrom('cimd.client_subjects').selectAll().execute()
    expect(traces).toEqual([])
    expect(await api.reputation(clientId)).toMatchObject({
      subjects: 1,
      domain_subjects: 1,
      domain_clients: 1,
    })
    await api.report(clientId, ALICE)
    expect(await api.reputation(clientId)).toMatchObject({
      subjects: 2,
      domain_subjects: 2,
      domain_clients: 1,
    })
  })

  it('has another pseudonym and another hash at every tenant', async () => {
    const clientId = identify(`${ofNewDomain()}/client.json`)
    await publish(clientId)
    for (const tenant of [store().tenant, store().otherTenant]) {
      const api = await as(tenant)
      await api.resolve({ client_id: clientId })
      await api.report(clientId, 'bob')
    }
    const { rows } = await sql<{ hashes: number; pseudonyms: number }>`
      select count(distinct subject_hash) as hashes, count(distinct pseudonym) as pseudonyms from cimd.subjects
      where pseudonym in (
        select pseudonym from cimd.client_subjects s join cimd.clients c on c.id = s.client_ref
        where c.client_id = ${clientId}
      )`.execute(store().owner)
    expect(rows).toEqual([{ hashes: 2, pseudonyms: 2 }])
  })

  it('is erased by a key with the scope admin alone', async () => {
    const api = await as(store().tenant, ['resolve', 'policy'])
    const { status, body } = await api.post('/v1/subjects/erase', { subject: 'carol' })
    expect([status, body.code]).toEqual([403, 'missing_scope'])
  })
})

describeStore('counts over all tenants, where the operator has turned them on', () => {
  const { store, as, publish } = serveShared({ CIMD_FLEET_REPUTATION: 'true' })

  it('count for each tenant, which is told numbers alone', async () => {
    const [api, other] = [await as(store().tenant), await as(store().otherTenant)]
    const origin = ofNewDomain()
    const clientIds = [identify(`${origin}/one.json`), identify(`${origin}/two.json`)]
    for (const clientId of clientIds) await publish(clientId)
    const [one = '', two = ''] = clientIds
    await other.resolve({ client_id: one })
    await Promise.all([api.reportMany(one, 0, 6), api.reportMany(one, 0, 6), other.reportMany(one, 0, 5)])
    await api.reportMany(two, 5, 8)
    expect(await other.reputation(one)).toMatchObject({
      ...{ tier: 'tried', subjects: 11, domain_subjects: 13, domain_clients: 2 },
    })
    expect((await other.resolve({ client_id: one })).body.display.tier).toBe('tried')
    expect((await other.resolve({ client_id: two })).body.reputation.tier).toBe('first_seen')
    const told = await other.reputation(two)
    expect([told.subjects, told.first_seen, told.last_seen]).toEqual([3, undefined, undefined])
  })
})
