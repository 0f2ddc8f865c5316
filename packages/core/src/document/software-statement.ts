import { isJsonObject, type JsonObject } from '../json/json.ts'
import { parseJsonDocument } from '../json/json-document.ts'

/**
 * The claims of a software statement, `undefined` if it is not a JWT in compact form with a JSON payload. Nothing is
 * verified: the claims show what the publisher asks for, and prove nothing (DOC-15, RFC 7591 section 2.3).
 */
export function readStatementClaims(statement: string): JsonObject | undefined {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(statement) ?? []
  const bytes = payload === undefined ? undefined : decodeBase64Url(payload)
  const claims = bytes && parseJsonDocument(bytes)
  return claims?.ok && isJsonObject(claims.value) ? claims.value : undefined
}

function decodeBase64Url(text: string): Uint8Array | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    // A length that no base64 has.
    return undefined
  }
}
