import { Readable } from 'node:stream'
import { runProgram } from '@cimd/cli/program'
import { type AuditEntry, DEFAULT_TRUST_POLICY } from '@cimd/core'
import { createJudging, pruneTasks } from '@cimd/scheduler'
import {
  createApiKey,
  createOperatorKey,
  findPseudonym,
  observeDomain,
  readAudit,
  removeTenant,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it, vi } from 'vitest'
import { createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { chainAll, chainOf, decided, exportOf, noteAs, verifyLines } from './audit-bundle.ts'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

vi.setConfig({ testTimeout: 120_000 })

const SCOPES = ['resolve', 'policy', 'events', 'audit', 'admin']
const JSON_BODY = { 'content-type': 'application/json' }

/** The api, a key of the first tenant for everything, and a key of an operator. */
async function open() {
  const store = await setup()
  const api = await serveApi(store.url, { CIMD_OPERATOR_ROUTES: 'true' })
  const key = await createApiKey(store.owner, store.tenant, SCOPES)
  const operatorKey = await createOperatorKey(store.owner)
  const sender = (presented: string) => {
    const client = createApiClient(() => api.baseUrl, presented)
    return (method: string, path: string, body?: unknown) =>
      client.request(path, {
        method,
        ...(body !== undefined && { headers: JSON_BODY, body: JSON.stringify(body) }),
      })
  }
  return {
    ...{ store, send: sender(key), operate: sender(operatorKey) },
    actor: { kind: 'key', id: key.split('_')[1] },
    operator: { kind: 'operator', id: operatorKey.split('_')[1] },
    cimd: commandOn(store),
    /** A client that the first tenant uses, and the digest it was given. */
    client: async () => {
      const clientId = identify()
      await store.fetch(clientId)
      const { body } = await createApiClient(() => api.baseUrl, key).resolve({ client_id: clientId })
      return { clientId, digest: body.digest as string }
    },
    entries: (tenant = store.tenant) => entriesOf(store, tenant),
    [Symbol.asyncDispose]: async () => {
      await api.stop()
      await store[Symbol.asyncDispose]()
    },
  }
}

/** What the chain says but for answers and fetches, which are tested where they are made. */
async function entriesOf(store: TestStore, tenant: string): Promise<readonly AuditEntry[]> {
  await chainAll(store)
  const found = await withTenant(store.api, tenant, (trx) => readAudit(trx, { limit: 500 }))
  return found
    .map(({ entry }) => entry)
    .filter(({ kind }) => !['resolve.decided', 'fetch.recorded'].includes(kind))
}

function commandOn(store: TestStore) {
  return async (args: readonly string[], input = '') => {
    const written = { stdout: '', stderr: '' }
    const sink = (name: keyof typeof written) => ({
      write: (text: string) => {
        written[name] += text
      },
    })
    const exitCode = await runProgram([...args], {
      version: '0',
      findStandalone: () => undefined,
      fetch: () => Promise.reject(new Error('nothing is asked')),
      fetchDocument: () => Promise.reject(new Error('nothing is fetched')),
      monotonicMs: () => 0,
      sleep: async () => undefined,
      readInput: async () => Buffer.from(input),
      openInput: () => Readable.from([]),
      environment: { CIMD_DATABASE_URL: store.url },
      output: { stdout: sink('stdout'), stderr: sink('stderr'), isTerminal: false },
    })
    return { exitCode, ...written }
  }
}

const said = (entries: readonly AuditEntry[]) =>
  entries.map(({ kind, actor, data }) => ({ kind, actor, data }))

describeStore('the audit of what is done by key', () => {
  it('tells of keys, once each', async () => {
    await using world = await open()
    const { actor } = world
    const made = await world.send('POST', '/v1/keys', { scopes: ['resolve'], expires_in_days: 2 })
    const { prefix } = made.body
    const rotated = await world.send('POST', `/v1/keys/${prefix}/rotate`, { overlap_seconds: 60 })
    await world.send('POST', `/v1/keys/${prefix}/rotate`)
    const next = rotated.body.key.split('_')[1]
    for (let asked = 0; asked < 2; asked += 1) await world.send('DELETE', `/v1/keys/${next}`)
    const lasting = { scopes: ['resolve'], expires_at: expect.any(String) }
    const entries = await world.entries()
    expect(said(entries)).toEqual([
      { kind: 'key.created', actor, data: { key_prefix: prefix, ...lasting } },
      {
        ...{ kind: 'key.rotated', actor },
        data: {
          ...{ key_prefix: next, ...lasting, replaced_prefix: prefix },
          replaced_until: rotated.body.previous_until,
        },
      },
      { kind: 'key.revoked', actor, data: { key_prefix: next } },
    ])
    expect(JSON.stringify(entries)).not.toContain(made.body.key)
  })

  it('tells of policies, and what they came to in the background (POL-05)', async () => {
    await using world = await open()
    const { clientId, digest } = await world.client()
    const policy = { ...DEFAULT_TRUST_POLICY, mode: 'review' }
    const { body: put } = await world.send('PUT', '/v1/policy', { policy })
    await world.send('PUT', '/v1/policy', { policy })
    const { body: candidate } = await world.send('PUT', '/v1/policy/report-only', { policy })
    await world.send('DELETE', '/v1/policy/report-only')
    await world.send('DELETE', '/v1/policy/report-only')
    for (let turn = 0; turn < 2; turn += 1) await createJudging(world.store.scheduler)(() => false)
    const entries = await world.entries()
    const { actor } = world
    expect(said(entries)).toEqual([
      ...[put, candidate].map(({ version, digest: of }, at) => ({
        ...{ kind: 'policy.put', actor },
        data: { version, digest: of, mode: 'review', report_only: at === 1 },
      })),
      { kind: 'tenant.changed', actor, data: { settings: ['report_policy'] } },
      {
        ...{ kind: 'policy.judged', actor: { kind: 'service', id: 'scheduler' } },
        data: {
          ...{ stage: 'document', digest, policy: { version: put.version, digest: put.digest } },
          verdict: { decision: 'held', rules: [expect.objectContaining({ id: expect.any(String) })] },
        },
      },
    ])
    expect(entries.at(-1)?.['client_id']).toBe(clientId)
  })

  it('tells what a person decided about a client, why, and that it was taken back', async () => {
    await using world = await open()
    const { clientId, digest } = await world.client()
    const expires_at = '2100-01-01T00:00:00.000Z'
    const about = { client_id: clientId, digest }
    await world.send('POST', '/v1/reviews/approve', { ...about, reason: 'a partner', expires_at })
    await world.send('POST', '/v1/reviews/refuse', { ...about, reason: 'no partner \ud800' })
    const withdraw = () => world.send('DELETE', `/v1/reviews?client_id=${encodeURIComponent(clientId)}`)
    expect([(await withdraw()).status, (await withdraw()).status]).toEqual([204, 404])
    await world.send('POST', '/v1/reviews/approve', about)
    await withdraw()
    const entries = await world.entries()
    const { actor } = world
    expect(said(entries)).toEqual([
      { kind: 'approval.given', actor, data: { digest, reason: 'a partner', expires_at } },
      { kind: 'approval.refused', actor, data: { digest, reason: 'no partner \ufffd' } },
      { kind: 'approval.ended', actor, data: {} },
      { kind: 'approval.given', actor, data: expect.objectContaining({ digest }) },
      { kind: 'approval.ended', actor, data: { digest } },
    ])
    expect(new Set(entries.map((entry) => entry['client_id']))).toEqual(new Set([clientId]))
  })

  it('tells who was marked as looked at, and that the mark was taken back, once each', async () => {
    await using world = await open()
    const { clientId } = await world.client()
    const domain = 'example.net'
    for (const about of [{ client_id: clientId }, { domain }]) {
      for (const reviewed of [true, false, false]) {
        expect(await world.send('POST', '/v1/client/reviewed', { ...about, reviewed })).toMatchObject({
          status: 200,
        })
      }
    }
    const entries = await world.entries()
    const { actor } = world
    expect(said(entries)).toEqual([
      { kind: 'reviewed.marked', actor, data: {} },
      { kind: 'reviewed.cleared', actor, data: {} },
      { kind: 'reviewed.marked', actor, data: { domain } },
      { kind: 'reviewed.cleared', actor, data: { domain } },
    ])
    expect(entries.map((entry) => entry['client_id'])).toEqual([clientId, clientId, undefined, undefined])
  })

  it('tells who was registered before coming (POL-03)', async () => {
    await using world = await open()
    const clientId = identify()
    await world.send('PUT', '/v1/registrations', { client_id: clientId, mode: 'frozen' })
    const end = () => world.send('DELETE', `/v1/registrations?client_id=${encodeURIComponent(clientId)}`)
    expect([(await end()).status, (await end()).status]).toEqual([204, 404])
    const entries = await world.entries()
    const { actor } = world
    expect(said(entries)).toEqual([
      { kind: 'registration.put', actor, data: { mode: 'frozen' } },
      { kind: 'registration.ended', actor, data: {} },
    ])
    expect(entries.map((entry) => entry['client_id'])).toEqual([clientId, clientId])
  })
})

describeStore('the audit of a subject (ARC-10)', () => {
  it('is found by the subject until it is erased, by the pseudonym for good, and verifies as before', async () => {
    await using world = await open()
    const { clientId, digest } = await world.client()
    const about = { client_id: clientId, digest, subject: 'alice@example.org' }
    const redirect_uri = 'https://app.example.net/cb'
    await world.send('POST', '/v1/client/reports', { ...about, kind: 'consent', scope: 'openid' })
    await world.send('POST', '/v1/client/reports', { ...about, kind: 'code', redirect_uri })
    await world.send('POST', '/v1/client/reports', {
      ...{ ...about, kind: 'token', grant_type: 'authorization_code', auth_method: 'none' },
    })
    await world.send('POST', '/v1/client/reports', { ...about, subject: undefined, kind: 'code' })
    const pseudonym = await withTenant(world.store.api, world.store.tenant, (trx) =>
      findPseudonym(trx, about.subject),
    )
    if (pseudonym === undefined) throw new Error('the subject was reported')
    const reports = [
      { kind: 'report.consent', data: { digest, scope: 'openid' } },
      { kind: 'report.code', data: { digest, redirect_uri } },
      { kind: 'report.token', data: { digest, grant_type: 'authorization_code', auth_method: 'none' } },
    ].map((report) => ({ ...report, actor: world.actor }))
    expect(said(await world.entries())).toEqual([
      ...reports,
      { kind: 'report.code', actor: world.actor, data: { digest } },
    ])
    const found = async (subject: string) => {
      const { body } = await world.send('GET', `/v1/audit?subject=${encodeURIComponent(subject)}`)
      return said(body.entries.map(({ entry }: { entry: AuditEntry }) => entry))
    }
    const shown = async (args: readonly string[], input = '') => {
      const { stdout } = await world.cimd(['audit', 'show', 'first', '--json', ...args], input)
      return JSON.parse(stdout).entries.length
    }
    expect(await found(about.subject)).toEqual(reports)
    expect(await shown(['--subject-file', '-'], `${about.subject}\n`)).toBe(3)
    const before = verifyLines(await exportOf(world.store.api, world.store.tenant))
    for (let asked = 0; asked < 2; asked += 1) await world.send('POST', '/v1/subjects/erase', about)
    await world.send('POST', '/v1/subjects/erase', { subject: about.subject })
    await world.send('POST', '/v1/subjects/erase', { subject: about.subject })
    const entries = await world.entries()
    expect(entries.filter(({ kind }) => kind === 'subject.erased')).toEqual([
      expect.not.objectContaining({ subject: expect.anything() }),
    ])
    expect(await found(about.subject)).toEqual([])
    expect(await found(pseudonym)).toEqual(reports)
    expect(await found(pseudonym.toUpperCase())).toEqual(reports)
    expect(await shown(['--subject-file', '-'], about.subject)).toBe(0)
    expect(await shown(['--subject', pseudonym])).toBe(3)
    const lines = await exportOf(world.store.api, world.store.tenant)
    expect(verifyLines(lines, [before.head])).toMatchObject({ ok: true, entries: before.entries + 1 })
    expect(lines.join('\n')).not.toContain('alice')
  })

  it('is that of a subject which is itself a UUID', async () => {
    await using world = await open()
    const { clientId, digest } = await world.client()
    const subject = '0F6F2D0C-77A5-4C0B-9A57-2E8E0A3B9C11'
    await world.send('POST', '/v1/client/reports', { client_id: clientId, digest, subject, kind: 'consent' })
    await chainAll(world.store)
    const { body } = await world.send('GET', `/v1/audit?subject=${subject}`)
    expect(body.entries).toHaveLength(1)
  })
})

describeStore('the audit of what an operator does', () => {
  it('tells by the api of the tenant and its keys, by whose key', async () => {
    await using world = await open()
    const path = '/v1/operator/tenants'
    for (const status of [201, 200])
      expect((await world.operate('POST', path, { name: 'third' })).status).toBe(status)
    const { body } = await world.operate('POST', `${path}/third/keys`, { scopes: ['resolve'] })
    const rotated = await world.operate('POST', `${path}/third/keys/${body.prefix}/rotate`)
    expect(rotated.status).toBe(200)
    await world.operate('DELETE', `${path}/third/keys/${body.prefix}`)
    const entries = await world.entries(await idOf(world.store, 'third'))
    expect(entries.map(({ kind }) => kind)).toEqual([
      ...['tenant.created', 'key.created', 'key.rotated', 'key.revoked'],
    ])
    expect(entries[0]?.['data']).toEqual({ name: 'third' })
    for (const { actor } of entries as readonly { readonly actor?: unknown }[])
      expect(actor).toEqual(world.operator)
  })

  it('tells by the command line what was set, and is read, exported and cut by it', async () => {
    await using store = await setup()
    const cimd = commandOn(store)
    for (const command of [
      ...['tenant create third', 'tenant create third', 'tenant profile third mcp-2026-07-28'],
      ...['tenant quotas third --set clients=10', 'tenant quotas third', 'tenant stale-limits third --none'],
      'key create third',
    ]) {
      expect((await cimd(command.split(' '))).exitCode, command).toBe(0)
    }
    await cimd(['policy', 'put', 'third', '-'], JSON.stringify(DEFAULT_TRUST_POLICY))
    const added = await cimd(['registration', 'add', 'third', 'https://app.example.net/client.json'])
    expect(added).toMatchObject({ exitCode: 0, stderr: '' })
    const entries = await entriesOf(store, await idOf(store, 'third'))
    expect(entries.map(({ kind, data }) => [kind, (data as { settings?: string[] }).settings])).toEqual([
      ['tenant.created', undefined],
      ['tenant.changed', ['profile']],
      ['tenant.changed', ['quotas']],
      ['tenant.changed', ['stale_limits']],
      ['key.created', undefined],
      ['policy.put', undefined],
      ['registration.put', undefined],
    ])
    for (const { actor } of entries as readonly { readonly actor?: unknown }[])
      expect(actor).toEqual({ kind: 'operator', id: 'cimd' })
    const exported = await cimd(['audit', 'export', 'third'])
    expect(verifyLines(exported.stdout.trim().split('\n'))).toMatchObject({ ok: true, entries: 7 })
    const cut = await cimd(['audit', 'cut', 'third', '--before', '2100-01-01'])
    expect(cut.stdout).toContain('7 entries go')
    await chainAll(store)
    expect((await cimd(['audit', 'verify', '--tenant', 'third'])).exitCode).toBe(0)
  })
})

describeStore('the audit of whose a domain is (CHG-05)', () => {
  it('tells every tenant that uses a client of it, once for each news, and who accepts it', async () => {
    await using world = await open()
    const { store } = world
    const clientId = identify('https://app.lapsed-audit.com/client.json')
    await store.fetch(clientId)
    const { client } = await store.demand(clientId)
    const see = (seenAt: string, name: string, isKnown = true) =>
      observeDomain(store.fetcher, {
        ...{ domain: 'lapsed-audit.com', client, isKnown, nameServersAskedAt: undefined },
        observation: {
          ...{ seenAt: new Date(seenAt), documentsChanged: false },
          ...{ nameServers: [`ns.${name}.example`], certificateIssuer: name },
        },
      })
    await see('2026-01-01T00:00:00Z', 'old', false)
    await see('2026-03-01T00:00:00Z', 'new')
    await see('2026-03-02T00:00:00Z', 'new')
    for (let asked = 0; asked < 2; asked += 1) {
      await world.send('POST', '/v1/client/owner/accept', { domain: 'lapsed-audit.com' })
    }
    const entries = await world.entries()
    expect(said(entries)).toEqual([
      {
        ...{ kind: 'ownership.judged', actor: { kind: 'service', id: 'fetcher' } },
        data: {
          ...{ domain: 'lapsed-audit.com', verdict: 'discontinuous', era: 2 },
          ...{
            signals: ['name_servers', 'certificate_issuer'],
            reasons: expect.arrayContaining(['replaced_after_silence']),
          },
        },
      },
      {
        ...{ kind: 'ownership.accepted', actor: world.actor },
        data: { domain: 'lapsed-audit.com', era: 2 },
      },
    ])
    expect(entries[0]?.['client_id']).toBe(clientId)
    expect(await world.entries(store.otherTenant)).toEqual([])
  })
})

describeStore('the audit of a tenant that is removed', () => {
  it('goes with it, a slice at a time, while what waits for it holds up nobody', async () => {
    await using store = await setup()
    const { tenant, otherTenant } = store
    await chainOf(store, 3)
    await noteAs(store.api, decided(tenant))
    await noteAs(store.api, decided(otherTenant))
    expect(await removeTenant(store.operator, 'first')).toBe(true)
    expect(await chainAll(store)).toBe(1)
    const prune = pruneTasks(store.scheduler, { versionsKept: 1, versionDays: 1, attemptDays: 1 })
    const orphaned = async () => (await prune['orphaned_audit']?.())?.deleted
    expect([await orphaned(), await orphaned()]).toEqual([3, 0])
    const { rows } =
      await sql`select (select count(*) from cimd.audit where tenant_id = ${tenant}) as entries,
      (select count(*) from cimd.audit_heads where tenant_id = ${tenant}) as heads,
      (select count(*) from cimd.audit_pending) as waiting`.execute(store.owner)
    expect(rows).toEqual([{ entries: 0, heads: 0, waiting: 0 }])
    expect(verifyLines(await exportOf(store.api, otherTenant))).toMatchObject({ ok: true, entries: 1 })
  })

  it('is not deleted by the function or the definer while there is the tenant', async () => {
    await using store = await setup()
    await chainOf(store, 2)
    const { rows } = await sql`select cimd.remove_orphaned_audit(100) as deleted`.execute(store.scheduler)
    expect(rows).toEqual([{ deleted: 0 }])
    const work = store.owner.transaction().execute(async (trx) => {
      await sql`set local role cimd_definer`.execute(trx)
      await sql`delete from cimd.audit`.execute(trx)
    })
    await expect(work).rejects.toMatchObject({ code: '42501' })
    await expect(sql`select cimd.remove_orphaned_audit(1)`.execute(store.operator)).rejects.toMatchObject({
      code: '42501',
    })
    expect(await exportOf(store.api, store.tenant)).toHaveLength(3)
  })
})

async function idOf(store: TestStore, name: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`select id from cimd.tenants where name = ${name}`.execute(
    store.owner,
  )
  const [found] = rows
  if (found === undefined) throw new Error(`no tenant ${name}`)
  return found.id
}
