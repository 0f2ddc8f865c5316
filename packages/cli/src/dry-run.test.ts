import { type ClientMetadataResult, parseClientIdUrl, parseClientMetadata, RULES_VERSION } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { createDryRun } from './dry-run.ts'

function idOf(name: string) {
  const parsed = parseClientIdUrl(`https://app.example.com/${name}.json`)
  if (!parsed.ok) throw new Error(`the client_id of ${name} is wrong`)
  return parsed.value
}

function judge(name: string, members: object): ClientMetadataResult {
  const clientId = idOf(name)
  const document = { client_id: clientId, redirect_uris: ['https://app.example.com/cb'], ...members }
  return parseClientMetadata(new TextEncoder().encode(JSON.stringify(document)), clientId)
}

const QUIET = { token_endpoint_auth_method: 'none' }
const WARNED = { ...QUIET, application_type: 'watch', client_name: '' }
const REFUSED = { token_endpoint_auth_method: 'client_secret_basic' }
const HTTP = { ...QUIET, redirect_uris: ['http://app.example.com/cb'] }

function dryRunOf(
  clients: Readonly<Record<string, readonly [members: object, inUse: boolean, rulesVersion?: number]>>,
  limit = 9,
) {
  const dryRun = createDryRun(limit)
  for (const [name, [members, inUse, rulesVersion = RULES_VERSION - 1]] of Object.entries(clients)) {
    dryRun.add({ clientId: idOf(name), inUse, rulesVersion }, judge(name, members))
  }
  return dryRun.result()
}

describe('createDryRun', () => {
  it('counts clients, and those in use, by the code that is the gravest', () => {
    const clients = { a: [QUIET, true], b: [REFUSED, true], c: [REFUSED, false], d: [HTTP, true] } as const
    expect(dryRunOf(clients)).toEqual({
      ...{ checked: 4, older: 4, refused: 3, refused_in_use: 2, warned: 0, warned_in_use: 0, warnings: [] },
      refusals: [
        { code: 'symmetric_method', clients: 2, in_use: 1 },
        { code: 'redirect_uri_http', clients: 1, in_use: 1 },
      ],
      clients: [
        { client_id: idOf('b'), code: 'symmetric_method', in_use: true },
        { client_id: idOf('c'), code: 'symmetric_method', in_use: false },
        { client_id: idOf('d'), code: 'redirect_uri_http', in_use: true },
      ],
    })
  })

  it('names no more clients than are wanted', () => {
    const { refused, clients } = dryRunOf({ a: [REFUSED, true], b: [REFUSED, true] }, 1)
    expect([refused, clients.length]).toEqual([2, 1])
  })

  it('counts a client once, and each of its warnings, where older rules judged it', () => {
    const { warned, warned_in_use, warnings } = dryRunOf({
      ...{ a: [WARNED, true], b: [WARNED, false], c: [WARNED, true, RULES_VERSION] },
    })
    expect([warned, warned_in_use]).toEqual([2, 1])
    expect(warnings).toEqual([
      { code: 'application_type_unknown', clients: 2, in_use: 1 },
      { code: 'member_empty', clients: 2, in_use: 1 },
    ])
  })

  it('tells a refusal under the very rules a document was stored under too', () => {
    expect(dryRunOf({ a: [REFUSED, true, RULES_VERSION] })).toMatchObject({ older: 0, refused: 1 })
  })
})
