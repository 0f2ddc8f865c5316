import { generateKeyPairSync } from 'node:crypto'
import { judgeKeySet } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { importableKeys } from './import-keys.ts'

const ec = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })
const p256 = ec('P-256')

async function importedOf(key: object): Promise<number> {
  const judged = judgeKeySet(new TextEncoder().encode(JSON.stringify({ keys: [key] })))
  if (!judged.ok) throw new Error(judged.code)
  // Or it would not be the import that drops a key.
  expect(judged.keySet.keys).toHaveLength(1)
  return (await importableKeys(judged.keySet)).keys.length
}

describe('importableKeys (KEY-08)', () => {
  it.each<[string, object]>([
    ['P-256', p256],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['P-256 to agree with', { ...p256, alg: 'ECDH-ES+A128KW', use: 'enc' }],
    ['RSA', rsa],
    ['RSA for PS256 with key_ops', { ...rsa, alg: 'PS256', key_ops: ['verify'] }],
    ['RSA to encrypt to', { ...rsa, alg: 'RSA-OAEP-256', use: 'enc' }],
    ['Ed25519', { ...ed25519, alg: 'EdDSA' }],
    ['X25519', x25519],
  ])('keeps a key on %s', async (_, key) => {
    expect(await importedOf(key)).toBe(1)
  })

  it.each<[string, object]>([
    ['a point off the curve', { ...p256, y: p256.x }],
    ['a coordinate beyond the field', { ...p256, x: `${'_'.repeat(42)}w` }],
  ])('drops %s', async (_, key) => {
    expect(await importedOf(key)).toBe(0)
  })
})
