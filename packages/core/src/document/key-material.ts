import { isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'

// `priv` is the secret of the AKP key type, the others are of RFC 7518.
const SECRET_JWK_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const
const PRIVATE_PEM = /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----/

/** Whether a private or symmetric key occurs anywhere in the value: as a JWK or as PEM text (DOC-07, KEY-08). */
export function holdsPrivateKey(value: JsonValue): boolean {
  if (typeof value === 'string') return PRIVATE_PEM.test(value)
  if (Array.isArray(value)) return value.some(holdsPrivateKey)
  if (!isJsonObject(value)) return false
  return (
    isSecretJwk(value) ||
    listedKeys(value).some(hasSecretMember) ||
    Object.values(value).some(holdsPrivateKey)
  )
}

function isSecretJwk(value: JsonObject): boolean {
  return Object.hasOwn(value, 'kty') && (value['kty'] === 'oct' || hasSecretMember(value))
}

// A key in a key set counts without `kty` too: it is published as one, whatever it lacks.
function listedKeys(value: JsonObject): readonly JsonObject[] {
  const keys = Object.hasOwn(value, 'keys') ? value['keys'] : undefined
  return Array.isArray(keys) ? keys.filter(isJsonObject) : []
}

function hasSecretMember(key: JsonObject): boolean {
  return SECRET_JWK_MEMBERS.some((member) => Object.hasOwn(key, member))
}
