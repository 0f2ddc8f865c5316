import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import type { JsonObject, JsonValue } from '../json/json.ts'
import { compareKeys, judgeKeySet, type KeySet, keySetOf, keysOf, NO_KEYS } from './key-set.ts'

const bytesOf = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const MODULUS = 'w'.repeat(342)
const rsa = { kty: 'RSA', n: MODULUS, e: 'AQAB' }
const numberOf = (bytes: number) => 'w'.repeat(Math.ceil((bytes * 4) / 3))
const ec = { kty: 'EC', crv: 'P-256', x: numberOf(32), y: numberOf(32) }
const okp = { kty: 'OKP', crv: 'Ed25519', x: numberOf(32) }
const akp = { kty: 'AKP', alg: 'ML-DSA-44', pub: numberOf(1312) }

function usable(keys: readonly JsonValue[] | string): KeySet {
  const judged = judgeKeySet(bytesOf(typeof keys === 'string' ? keys : { keys }))
  if (!judged.ok) throw new Error(judged.code)
  return judged.keySet
}

function flawOf(key: JsonValue): string | undefined {
  const judged = judgeKeySet(bytesOf({ keys: [key] }))
  if (!judged.ok) throw new Error(judged.code)
  return judged.unusable[0]?.reason
}

describe('judgeKeySet', () => {
  it('takes the thumbprint of RFC 7638 section 3.1', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
    const key = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }
    expect(usable([key]).keys[0]?.thumbprint).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })

  it('takes the thumbprint of RFC 8037 appendix A.3', () => {
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
    expect(usable([key]).keys[0]?.thumbprint).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  it.each<[string, unknown, string]>([
    ['bytes that are not UTF-8', '\u{FEFF}{}', 'byte_order_mark'],
    ['no JSON', '{', 'json_invalid'],
    ['a list', [rsa], 'json_not_object'],
    ['a repeated member', '{"keys":[],"keys":[]}', 'duplicate_member'],
    ['no list keys', { keys: rsa }, 'key_set_malformed'],
    ['101 keys', { keys: Array(101).fill(rsa) }, 'keys_too_many'],
  ])('KEY-14: refuses %s', (_, body, code) => {
    expect(judgeKeySet(bytesOf(body))).toMatchObject({ ok: false, code, violations: [{ code }] })
  })

  it('KEY-14: reads 64 KiB and not a byte more', () => {
    const body = (bytes: number) => bytesOf(`{"keys":[]${' '.repeat(bytes - 11)}}`)
    expect(judgeKeySet(body(65_536))).toMatchObject({ ok: true })
    expect(judgeKeySet(body(65_537))).toMatchObject({ ok: false, code: 'too_large' })
  })

  it.each<[string, JsonValue]>([
    ['private', { ...ec, d: 'eA' }],
    ['symmetric', { kty: 'oct', kid: 'x' }],
    ['private and without a type', { p: 'eA' }],
    ['private and deep inside another', { ...ec, more: [{ ...ec, d: 'eA' }] }],
  ])('KEY-08: refuses the whole set for a key that is %s', (_, key) => {
    expect(judgeKeySet(bytesOf({ keys: [rsa, key] }))).toMatchObject({ ok: false, code: 'key_set_secret' })
  })

  it.each<[string, JsonValue]>([
    ['an RSA key of 2048 bits', rsa],
    ['an RSA key of 8192 bits', { ...rsa, n: 'w'.repeat(1365) }],
    ['an RSA key for PS256', { ...rsa, alg: 'PS256', use: 'sig' }],
    ['an RSA key to encrypt to', { ...rsa, alg: 'RSA-OAEP-256', use: 'enc', key_ops: ['wrapKey'] }],
    ['an EC key', { ...ec, alg: 'ES256' }],
    ['an EC key to agree with', { ...ec, alg: 'ECDH-ES+A256KW', use: 'enc' }],
    ['a P-384 key', { ...ec, crv: 'P-384', x: numberOf(48), y: numberOf(48) }],
    ['a P-521 key', { ...ec, crv: 'P-521', x: numberOf(66), y: numberOf(66) }],
    ['an Ed25519 key', { ...okp, alg: 'EdDSA' }],
    ['an X25519 key', { ...okp, crv: 'X25519' }],
    ['an ML-DSA-44 key', akp],
    ['an ML-DSA-65 key', { ...akp, alg: 'ML-DSA-65', pub: numberOf(1952) }],
    ['an ML-DSA-87 key', { ...akp, alg: 'ML-DSA-87', pub: numberOf(2592) }],
  ])('KEY-08: takes %s', (_, key) => {
    expect(flawOf(key)).toBeUndefined()
  })

  it.each<[JsonValue, RegExp]>([
    ['x', /no object/],
    [{}, /no kty/],
    [{ kty: 'EC', crv: 'P-256', x: 'eA' }, /no y/],
    [{ kty: 'XX' }, /not known/],
    [{ ...ec, crv: 'secp256k1' }, /not known/],
    [{ ...ec, y: 'e+' }, /y not in base64url/],
    [{ ...rsa, n: '' }, /n not in base64url/],
    [{ ...rsa, n: 'w'.repeat(340) }, /255 bytes/],
    [{ ...rsa, n: 'w'.repeat(1367) }, /1025 bytes/],
    [{ ...rsa, n: `${'A'.repeat(256)}${'w'.repeat(86)}` }, /64 bytes/],
    [{ ...rsa, e: 'AQAAAAAAAAAB' }, /exponent/],
    [{ ...rsa, kid: 1 }, /kid/],
    [{ ...rsa, use: 'other' }, /use/],
    [{ ...rsa, key_ops: 'verify' }, /key_ops/],
    [{ ...rsa, key_ops: [1] }, /key_ops/],
    [{ ...rsa, alg: 1 }, /alg/],
    [{ ...rsa, alg: 'HS256' }, /alg/],
    [{ ...ec, alg: 'ES384' }, /alg/],
    [{ ...akp, alg: 'ML-DSA-9' }, /alg/],
    [{ ...ec, x: 'eA' }, /32 bytes of P-256/],
    [{ ...ec, y: numberOf(31) }, /32 bytes of P-256/],
    [{ ...ec, x: numberOf(33) }, /32 bytes of P-256/],
    [{ ...ec, crv: 'P-384' }, /48 bytes of P-384/],
    [{ ...ec, crv: 'P-521' }, /66 bytes of P-521/],
    [{ ...okp, x: 'eA' }, /32 bytes of Ed25519/],
    [{ ...okp, crv: 'X25519', x: numberOf(56) }, /32 bytes of X25519/],
    [{ ...akp, pub: 'eA' }, /1312 bytes of ML-DSA-44/],
    [{ ...akp, crv: 'P-256', pub: numberOf(32) }, /1312 bytes of ML-DSA-44/],
  ])('KEY-08: passes over %j', (key, reason) => {
    expect(flawOf(key)).toMatch(reason)
  })

  it.each(['AQ', 'AR', 'AAE', 'AAH', 'AAAB', 'AAAAAQ', 'AA', 'AAAA'])(
    'KEY-08: passes over the exponent %s, which is none or one',
    (e) => {
      expect(flawOf({ ...rsa, e })).toMatch(/exponent/)
    },
  )

  it.each(['Aw', 'AQAB', 'AAEAAQ', 'ABAAAQ'])('KEY-08: takes the exponent %s', (e) => {
    expect(flawOf({ ...rsa, e })).toBeUndefined()
  })

  it('KEY-08: passes over all but the first key of a name', () => {
    const judged = judgeKeySet(bytesOf({ keys: [{ ...ec, kid: 'a' }, { ...rsa, kid: 'a' }, rsa, 1, rsa] }))
    expect(judged).toMatchObject({
      keySet: { keys: [{ jwk: { kty: 'EC' } }, { jwk: { kty: 'RSA' } }] },
      unusable: [{ index: 1 }, { index: 3 }, { index: 4 }],
    })
  })

  it('CHG-08: takes a set without keys as the word that none counts', () => {
    expect(usable([])).toEqual(NO_KEYS)
    expect(usable([{}])).toEqual(NO_KEYS)
  })

  it('hands on public members alone, and no URL that leads elsewhere', () => {
    const common = { kid: 'a', use: 'sig', key_ops: ['verify'], x5c: ['MII'], x5t: 'eA', 'x5t#S256': 'eQ' }
    const key = { ...ec, ...common, x5u: 'https://inside.example/', ext: true, note: {} }
    expect(usable([key]).keys[0]?.jwk).toEqual({ ...ec, ...common })
  })

  it.each<[string, JsonObject, JsonObject]>([
    ['a member of another type', okp, { y: 'eA', n: 'eA', e: 'AQAB', pub: 'eA' }],
    ['a member of another type', rsa, { crv: 'P-256', x: 'eA', pub: 'eA' }],
    ['a certificate that is no text', ec, { x5t: [1e20], 'x5t#S256': { a: 1 } }],
    ['a chain that is no list of texts', ec, { x5c: 'MII' }],
    ['a chain that is no list of texts', ec, { x5c: ['MII', 1e20] }],
  ])('hands on no key with %s: %j', (_, key, more) => {
    expect(usable([{ ...key, ...more }]).keys[0]?.jwk).toEqual(key)
  })

  it('KEY-14: hands on no more bytes than were published, whatever numbers grow to when they are written out', () => {
    const numbers = Array(13_000).fill('1e20').join()
    const key = (members: string) => JSON.stringify(okp).replace('}', `,${members}}`)
    for (const member of ['y', 'x5t', 'x5t#S256', 'pub', 'n']) {
      const body = `{"keys":[${key(`"${member}":[${numbers}]`)}]}`
      expect(usable(body).text).toBe(usable([okp]).text)
    }
  })

  it('KEY-14: is in its canonical form never longer than what was published', () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => !/[\0\p{Surrogate}]/u.test(value))
    const more = fc.dictionary(
      fc.constantFrom('kid', 'x5t', 'x5c', 'key_ops', 'y'),
      fc.oneof(text, fc.array(text)),
    )
    fc.assert(
      fc.property(fc.array(more, { maxLength: 5 }), (members) => {
        const body = JSON.stringify({ keys: members.map((member) => ({ ...okp, ...member })) })
        const judged = judgeKeySet(bytesOf(body))
        fc.pre(judged.ok)
        expect(bytesOf(judged.keySet.text).length).toBeLessThanOrEqual(bytesOf(body).length)
      }),
    )
  })

  it('gives equal sets one digest, whatever their order and spelling', () => {
    const spelt = { e: 'AQAB', n: MODULUS, kty: 'RSA', unknown: 1 }
    expect(usable([ec, rsa]).digest).toBe(usable([spelt, ec]).digest)
    expect(usable([ec, rsa]).digest).not.toBe(usable([ec]).digest)
    expect(JSON.parse(usable([ec, rsa]).text).keys).toHaveLength(2)
  })

  it('judges its own canonical form alike, so that stored keys can be judged again', () => {
    const { text, digest } = usable([{ ...ec, x5c: ['MII'], key_ops: ['verify'] }, rsa])
    expect(judgeKeySet(bytesOf(text))).toMatchObject({ ok: true, unusable: [], keySet: { text, digest } })
  })
})

describe('keysOf', () => {
  const metadata = (jwks?: unknown) =>
    ({ client_id: 'https://a.example/c', ...(jwks ? { jwks } : {}) }) as ClientMetadata

  it('KEY-06: gives the usable keys within a document', () => {
    expect(keysOf(metadata({ keys: [{}, ec] }))).toEqual(keySetOf(usable([ec]).keys))
    expect(keysOf(metadata())).toBeUndefined()
  })

  it('looks at a hundred of them', () => {
    const many = Array.from({ length: 101 }, (_, at) => ({ ...ec, kid: `${at}` }))
    expect(keysOf(metadata({ keys: many }))?.keys).toHaveLength(100)
  })
})

describe('compareKeys (CHG-03)', () => {
  it('names by thumbprint what came and what went', () => {
    const [was, is] = [usable([ec]), usable([rsa])]
    expect(compareKeys(was, is)).toEqual({
      added: is.keys.map(({ thumbprint }) => thumbprint),
      removed: was.keys.map(({ thumbprint }) => thumbprint),
    })
  })

  it('sees no other key in one under another kid', () => {
    expect(compareKeys(usable([ec]), usable([{ ...ec, kid: 'b' }]))).toEqual({ added: [], removed: [] })
  })
})
