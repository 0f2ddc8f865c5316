import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { auditedDocument } from './audited-document.ts'
import { chainableText, chainFlaw } from './chainable.ts'

const metadata = (members: object) =>
  ({ client_id: 'https://app.example.com/client.json', ...members }) as ClientMetadata

describe('auditedDocument', () => {
  it('picks what a reviewer asks for, and nothing else', () => {
    const shown = {
      ...{ client_name: 'App', client_uri: 'https://app.example.com/' },
      ...{ logo_uri: 'https://app.example.com/logo.png', policy_uri: 'https://app.example.com/policy' },
      tos_uri: 'https://app.example.com/tos',
    }
    const told = {
      redirect_uris: ['https://app.example.com/cb'],
      token_endpoint_auth_method: 'private_key_jwt',
    }
    const document = metadata({ ...shown, ...told, jwks: { keys: [] }, contacts: ['alice@example.com'] })
    expect(auditedDocument(document, 'a'.repeat(64))).toEqual({
      ...told,
      display: { ...shown, logo_digest: 'a'.repeat(64) },
    })
  })

  it('leaves out what a document does not say', () => {
    expect(auditedDocument(metadata({}))).toEqual({})
  })
})

describe('chainableText', () => {
  it.each([
    ['App \u{1F600}\u2028', 'App \u{1F600}\u2028'],
    ['a\0b', 'a\ufffdb'],
    ['cut \ud83d', 'cut \ufffd'],
  ])('%j is %j, which an entry can hold', (text, kept) => {
    expect(chainableText(text)).toBe(kept)
    expect(chainFlaw({ text: kept })).toBeUndefined()
  })
})
