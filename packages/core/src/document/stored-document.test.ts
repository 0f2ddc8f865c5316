import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { RULES_VERSION } from './client-metadata.ts'
import { readStoredDocument } from './stored-document.ts'

const identified = parseClientIdUrl('https://app.example.com/client.json')
if (!identified.ok) throw new Error('the client_id of these tests is wrong')
const clientId = identified.value

const LISTED = 'https://app.example.com/cb'
const textOf = (members: object) =>
  JSON.stringify({ client_id: clientId, redirect_uris: [LISTED], ...members })
const read = (text: string, rulesVersion: number) =>
  readStoredDocument({ body: new TextEncoder().encode(text), rulesVersion }, clientId)

// What the present rules refuse stands for what the next ones will.
const REFUSED = textOf({ redirect_uris: [LISTED, 'http://app.example.com/cb'] })

describe('readStoredDocument', () => {
  it.each([RULES_VERSION - 1, RULES_VERSION])('reads what the present rules allow, stored under %i', (by) => {
    expect(read(textOf({ x: 1 }), by)).toMatchObject({ ok: true, metadata: { x: 1 }, refusal: undefined })
  })

  it('CAC-12: reads what only newer rules refuse as it was stored, and says what they have against it', () => {
    const reading = read(REFUSED, RULES_VERSION - 1)
    expect(reading).toMatchObject({ ok: true, refusal: { code: 'redirect_uri_http' } })
    expect(reading.ok && { ...reading.metadata }).toEqual(JSON.parse(REFUSED))
  })

  it('ARC-07: refuses what the rules that are said to have allowed it refuse', () => {
    expect(read(REFUSED, RULES_VERSION)).toMatchObject({ ok: false, code: 'redirect_uri_http' })
  })

  it.each([
    ['no JSON', '{', 'json_invalid'],
    ['a name twice', `{"client_id":"${clientId}","a":1,"a":2}`, 'duplicate_member'],
    ['another client_id', textOf({ client_id: 'https://evil.example/c' }), 'client_id_mismatch'],
    ['no client_id', textOf({ client_id: undefined }), 'client_id_missing'],
    ['a secret', textOf({ client_secret: 'x' }), 'forbidden_member'],
    [
      'a private key',
      textOf({ jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'a', d: 'b' }] } }),
      'private_key',
    ],
  ])('DOC-03, DOC-05, DOC-07, DOC-16: refuses %s whatever it was stored under', (_, text, code) => {
    expect(read(text, RULES_VERSION - 1)).toMatchObject({ ok: false, code })
  })

  it('DOC-07: sees a private key behind whatever else is wrong', () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: 'a', d: 'b' }
    const text = textOf({ token_endpoint_auth_method: 'client_secret_basic', x: [key] })
    expect(read(text, RULES_VERSION - 1)).toMatchObject({ ok: false, code: 'symmetric_method' })
  })

  it('DOC-04: leaves out a member whose type is wrong, and what it leaves out otherwise', () => {
    const text = `${textOf({ client_name: 7, grant_types: [7], tos_uri: null, x: [7] }).slice(0, -1)},"__proto__":{}}`
    const reading = read(text, RULES_VERSION - 1)
    expect(reading).toMatchObject({ ok: true, refusal: { code: 'member_type' } })
    expect(reading.ok && Object.keys(reading.metadata)).toEqual(['client_id', 'redirect_uris', 'x'])
  })
})
