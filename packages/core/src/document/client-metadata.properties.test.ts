import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseClientIdUrl } from '../identifier/client-id-url.ts'
import { canonicalJson } from '../json/json.ts'
import { type ClientMetadataResult, parseClientMetadata } from './client-metadata.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value

const minimal = {
  client_id: clientId,
  redirect_uris: ['https://app.example.com/cb'],
  token_endpoint_auth_method: 'none',
}
const judge = (members: object) => judgeText(JSON.stringify({ ...minimal, ...members }))
const judgeText = (text: string) => parseClientMetadata(new TextEncoder().encode(text), clientId)

function codesOf(result: ClientMetadataResult) {
  return new Set(
    (result.ok ? result.warnings : [...result.violations, ...result.warnings]).map(({ code }) => code),
  )
}

describe('parseClientMetadata, whatever it is given,', () => {
  it('does not depend on the order of members', () => {
    const members = fc.dictionary(
      fc.constantFrom('redirect_uris', 'jwks', 'jwks_uri', 'scope', 'client_secret', 'x'),
      fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant('https://app.example.com/x')),
    )
    fc.assert(
      fc.property(members, (document) => {
        const reversed = Object.fromEntries(Object.entries({ ...minimal, ...document }).toReversed())
        expect(codesOf(judgeText(JSON.stringify(reversed)))).toEqual(codesOf(judge(document)))
      }),
    )
  })

  it('accepts nothing that comes out differently from how it went in', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (document) => {
        const result = judge({ ...document, ...minimal })
        if (!result.ok) return
        const again = judgeText(JSON.stringify(result.metadata))
        expect(again.ok && canonicalJson(again.metadata)).toBe(canonicalJson(result.metadata))
      }),
    )
  })

  it('never throws', () => {
    const members = fc.constantFrom(
      'client_id',
      'redirect_uris',
      'jwks',
      'jwks_uri',
      'logo_uri',
      'scope',
      '__proto__',
      'x',
    )
    fc.assert(fc.property(fc.dictionary(members, fc.jsonValue()), (document) => void judge(document)))
    fc.assert(fc.property(fc.uint8Array(), (body) => void parseClientMetadata(body, clientId)))
  })
})
