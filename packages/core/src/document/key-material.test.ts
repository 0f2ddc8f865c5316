import { describe, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from '../json/json.ts'
import { findKeySetSecret, findPrivateKey, flawOfPublicKey } from './key-material.ts'

const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

describe('findPrivateKey', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'finds a key with the member %s (KEY-08)',
    (member) => {
      expect(findPrivateKey({ keys: [publicKey, { ...publicKey, [member]: 'x' }] })).toBe('/keys/1')
    },
  )

  it.each<[string, JsonValue, string]>([
    ['a symmetric key without its value', { keys: [{ kty: 'oct' }] }, '/keys/0'],
    ['a key by itself', { kty: 'oct' }, ''],
    ['a key deep inside an unknown member', { 'a/b': [0, { b: { ...publicKey, d: 'x' } }] }, '/a~1b/1/b'],
    ['a PEM text', { a: null, b: 1, note: 'x\n-----BEGIN EC PRIVATE KEY-----\nAAAA' }, '/note'],
    ['an encrypted PEM text', ['-----BEGIN ENCRYPTED PRIVATE KEY-----'], '/0'],
    ['an OpenSSH key', '-----BEGIN OPENSSH PRIVATE KEY-----', ''],
    ['a key written into a string', { a: [JSON.stringify({ ...publicKey, d: 'x' })] }, '/a/0'],
    ['a key set written into a string', ` ${JSON.stringify({ keys: [{ kty: 'oct' }] })}`, ''],
    ['a PGP key', '-----BEGIN PGP PRIVATE KEY BLOCK-----', ''],
  ])('DOC-07: finds %s', (_, value, pointer) => {
    expect(findPrivateKey(value)).toBe(pointer)
  })

  it.each<[string, JsonValue]>([
    ['public keys', { keys: [publicKey, { kty: 'RSA', n: 'n', e: 'AQAB' }] }],
    ['members of these names outside a key', { d: 1, k: 'x', p: [{ q: 'x' }] }],
    ['a list of keys that are none (DOC-10)', { keys: [{ k: 'x' }] }],
    ['a member keys that is no list', { keys: 'x' }],
    ['a list of keys that are no objects', { keys: ['d', null] }],
    ['a public PEM text', '-----BEGIN PUBLIC KEY-----'],
    ['a public key written into a string', JSON.stringify(publicKey)],
    ['a text that only speaks of keys', 'give every key its "kty", and no "d"'],
    ['a text nested beyond the bound', `{"kty":"EC","d":${'['.repeat(9000)}${']'.repeat(9000)}}`],
    ['scalars', null],
  ])('lets pass %s (DOC-10)', (_, value) => {
    expect(findPrivateKey(value)).toBeUndefined()
  })
})

describe('findKeySetSecret', () => {
  it.each<[JsonValue, string | undefined]>([
    [{ keys: [publicKey, { d: 'x' }] }, '/keys/1'],
    [{ keys: [1, { ...publicKey, x: '-----BEGIN PRIVATE KEY-----' }] }, '/keys/1/x'],
    [{ keys: [publicKey] }, undefined],
    [{ kty: 'oct' }, ''],
    [[{ kty: 'oct' }], '/0'],
    [null, undefined],
  ])('KEY-08: in %j at %s', (jwks, pointer) => {
    expect(findKeySetSecret(jwks)).toBe(pointer)
  })
})

describe('flawOfPublicKey', () => {
  it.each<[object, string | undefined]>([
    [publicKey, undefined],
    [{ kty: 'RSA', n: 'n', e: 'AQAB' }, undefined],
    [{ kty: 'OKP', crv: 'Ed25519', x: 'x' }, undefined],
    [{ kty: 'AKP', alg: 'ML-DSA-44', pub: 'x' }, undefined],
    [{ kty: 'X-NEW' }, undefined],
    [{ kty: 'constructor' }, undefined],
    [{}, 'has no kty'],
    [{ kty: 1 }, 'has no kty'],
    [{ kty: 'RSA', n: 'n' }, 'is of type RSA and has no e'],
    [{ kty: 'EC', crv: 'P-256', x: 1, y: 'y' }, 'is of type EC and has no x'],
    [{ kty: 'OKP', x: 'x' }, 'is of type OKP and has no crv'],
  ])('KEY-08: of %j: %s', (key, flaw) => {
    expect(flawOfPublicKey(key as JsonObject)).toBe(flaw)
  })
})
