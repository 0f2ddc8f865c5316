import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../json/json.ts'
import { holdsPrivateKey } from './key-material.ts'

const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

describe('holdsPrivateKey', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'finds a key with the member %s (KEY-08)',
    (member) => {
      expect(holdsPrivateKey({ keys: [publicKey, { ...publicKey, [member]: 'x' }] })).toBe(true)
    },
  )

  it.each<[string, JsonValue]>([
    ['a symmetric key without its value', { keys: [{ kty: 'oct' }] }],
    ['a listed key without a type', { keys: [{ d: 'x' }] }],
    ['a key deep inside an unknown member', { a: [{ b: { ...publicKey, d: 'x' } }] }],
    ['a PEM text', { note: 'x\n-----BEGIN EC PRIVATE KEY-----\nAAAA' }],
  ])('finds %s (DOC-07)', (_, value) => {
    expect(holdsPrivateKey(value)).toBe(true)
  })

  it.each<[string, JsonValue]>([
    ['public keys', { keys: [publicKey, { kty: 'RSA', n: 'n', e: 'AQAB' }] }],
    ['members of these names outside a key', { d: 1, k: 'x', p: [{ q: 'x' }] }],
    ['a public PEM text', '-----BEGIN PUBLIC KEY-----'],
    ['scalars', null],
  ])('lets pass %s (DOC-10)', (_, value) => {
    expect(holdsPrivateKey(value)).toBe(false)
  })
})
