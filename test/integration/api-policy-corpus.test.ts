import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ClientIdUrl, parseClientIdUrl, parseClientMetadata, sha256Hex } from '@cimd/core'
import { createApiKey, recordAttempt } from '@cimd/store'
import { expect, it } from 'vitest'
import { DOCUMENTS, readDocument } from '../fixtures/documents.ts'
import { createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, setup, type TestStore, validRecord } from './store-bundle.ts'

// Documents that people really publish: a few of the fixtures, and the collection where it is at hand.
const FOLDER = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url))

const POLICIES: readonly object[] = [
  { mode: 'allowlist', allow: [{ domain: 'vscode.dev' }, { host: 'claude.ai' }] },
  { mode: 'review', block: [{ domain: 'claude.ai' }] },
  { redirects: { loopback: 'refuse', cross_host: 'refuse', max_count: 3 }, cross_host_jwks_uri: 'refuse' },
  { grant_types: ['authorization_code'], auth_methods: ['none'], scopes: ['openid'] },
  { profile: 'mcp-2026-07-28', text_plain: 'allow', warnings: { application_type_unknown: 'hold' } },
  { profile: 'atproto', paths: { query: 'refuse' } },
]

type Published = { readonly clientId: ClientIdUrl; readonly body: Buffer }

const published: readonly Published[] = [
  ...DOCUMENTS.map((known) => ({ clientId: known.clientId, body: Buffer.from(readDocument(known)) })),
  ...collected(),
].flatMap(({ clientId, body }) => {
  const identified = parseClientIdUrl(clientId)
  if (!identified.ok || !parseClientMetadata(body, identified.value).ok) return []
  return [{ clientId: identified.value, body }]
})

function collected(): { clientId: string; body: Buffer }[] {
  if (!existsSync(FOLDER)) return []
  const entries: { file: string; client_id: string | null }[] = JSON.parse(
    readFileSync(`${FOLDER}index.json`, 'utf8'),
  )
  return entries
    .filter(({ file, client_id }) => client_id !== null && existsSync(`${FOLDER}${file}`))
    .map(({ file, client_id }) => ({ clientId: client_id ?? '', body: readFileSync(`${FOLDER}${file}`) }))
}

describeStore('a dry run on published documents', () => {
  it('POL-01: says of each client what the policy does once it is in force', {
    timeout: 300_000,
  }, async () => {
    await using store = await setup()
    await using api = await serveApi(store.url)
    const clients = new Map(published.map((one) => [one.clientId, one.body]))
    for (const [clientId, body] of clients) await record(store, clientId, body)
    const key = await createApiKey(store.owner, store.tenant, ['resolve', 'policy'])
    const tenant = createApiClient(() => api.baseUrl, key)
    const send = (method: string, path: string, body: object) =>
      tenant.request(path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const decide = async () => {
      const decisions = new Map<string, string>()
      for (const clientId of clients.keys()) {
        const { status, body } = await tenant.resolve({ client_id: clientId, subject: 'alice' })
        decisions.set(clientId, status === 200 ? 'admitted' : body.code)
      }
      return decisions
    }
    let before = await decide()
    for (const policy of POLICIES) {
      const { body } = await send('POST', '/v1/policy/dry-run', { policy, limit: 1000 })
      expect(body.summary?.clients, JSON.stringify(body)).toBe(clients.size)
      expect((await send('PUT', '/v1/policy', { policy })).status).toBe(200)
      const after = await decide()
      const told = new Map(
        body.clients.map((one: { client_id: string; difference: string }) => [one.client_id, one.difference]),
      )
      for (const clientId of clients.keys()) {
        const difference = told.get(clientId)
        const changed = difference !== undefined && difference !== 'reasons_changed'
        expect([clientId, before.get(clientId) !== after.get(clientId)]).toEqual([clientId, changed])
        if (changed) expect(`newly_${NAMES[after.get(clientId) ?? '']}`).toBe(difference)
      }
      before = after
    }
  })
})

const NAMES: Readonly<Record<string, string>> = {
  admitted: 'admitted',
  policy_denied: 'refused',
  policy_held: 'held',
}

async function record(store: TestStore, clientId: ClientIdUrl, body: Buffer): Promise<void> {
  const { client } = await store.demand(clientId)
  const claim = await store.claim(client)
  const digest = sha256Hex(body)
  const { newVersion, ...attempt } = validRecord(claim)
  const version = { contentType: 'application/json', rulesVersion: 1, ...newVersion, body, digest }
  await recordAttempt(store.fetcher, {
    ...attempt,
    standing: { ...attempt.standing, digest },
    newVersion: version,
  })
}
