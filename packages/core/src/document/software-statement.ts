import type { Refusal } from '../failure/finding.ts'
import type { JsonObject } from '../json/json.ts'
import { parseJsonDocument } from '../json/json-document.ts'

/** What a software statement says, or why readers of JSON could disagree about it. */
export type Statement =
  | { readonly ok: true; readonly header: JsonObject; readonly claims: JsonObject }
  | Refusal

/**
 * Reads a software statement; `undefined` if it is not a JWT in compact form. Nothing is verified: the claims show
 * what the publisher asks for, and prove nothing (DOC-15, RFC 7591 section 2.3).
 */
export function readStatement(statement: string): Statement | undefined {
  const [, first, second] = /^([\w-]+)=*\.([\w-]+)=*\.[\w-]*=*$/.exec(statement) ?? []
  if (first === undefined || second === undefined) return undefined
  const [header, claims] = [decodeJson(first), decodeJson(second)]
  if (header === undefined || claims === undefined) return undefined
  if (!header.ok) return header
  return claims.ok ? { ok: true, header: header.value, claims: claims.value } : claims
}

const NOT_JSON: ReadonlySet<string> = new Set(['encoding_invalid', 'json_invalid', 'json_not_object'])

function decodeJson(text: string): ReturnType<typeof parseJsonDocument> | undefined {
  const bytes = decodeBase64Url(text)
  const parsed = bytes && parseJsonDocument(bytes)
  return parsed === undefined || (!parsed.ok && NOT_JSON.has(parsed.code)) ? undefined : parsed
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
