import { algorithmsOfKey, type KeySet, keySetOf, publicKeyMaterial, type UsableKey } from '@cimd/core'
import { importJWK, type JWK } from 'jose'

/** The keys of a set whose numbers are a key: a point that is on no curve verifies nothing (KEY-08). */
export async function importableKeys({ keys }: KeySet): Promise<KeySet> {
  const imported = await Promise.all(keys.map(isImportable))
  return keySetOf(keys.filter((_, index) => imported[index]))
}

async function isImportable({ jwk }: UsableKey): Promise<boolean> {
  const { alg } = jwk
  const algorithm = typeof alg === 'string' ? alg : algorithmsOfKey(jwk)[0]
  try {
    // What the key may be used for is judged already; here its numbers alone count.
    await importJWK(publicKeyMaterial(jwk) as JWK, algorithm)
    return true
  } catch {
    // Whatever the library has against it, nobody could verify with it.
    return false
  }
}
