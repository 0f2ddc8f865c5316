import { type Refusal, refusalOf, type Warning, warningsOf } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import type { JsonObject, JsonValue } from '../json/json.ts'
import { parseJsonDocument, withoutPrototypes } from '../json/json-document.ts'
import { REGISTRATION_MEMBERS } from './member-rules.ts'
import { isKnownMember, type KnownMembers } from './member-types.ts'
import { METADATA_RULES } from './metadata-rules.ts'

/**
 * Version of the rules a document is judged by. A stored verdict or validator is void under another version
 * (CAC-12, CHG-09), so every change that can turn a verdict raises it.
 */
export const RULES_VERSION = 2

/** How many decoded bytes of a document are read unless a deployment says otherwise: the draft's 5 kilobytes (FET-10). */
export const DOCUMENT_BYTES_MAX = 5_120
/** The most that any deployment may read. */
export const DOCUMENT_BYTES_LIMIT = 65_536

/** More than anybody would mend one by one; the gravest are the first. */
const FINDINGS_MAX = 100

/** The members of an accepted document under their own names; known ones are typed, unknown ones kept (DOC-04, DOC-10). */
export type ClientMetadata = JsonObject & KnownMembers & { readonly client_id: ClientIdUrl }

export type ClientMetadataResult =
  | { readonly ok: true; readonly metadata: ClientMetadata; readonly warnings: readonly Warning[] }
  | Refusal

/**
 * Judges a body as the client metadata document of an identifier (DOC-01 to DOC-19, KEY-04 to KEY-10, RED-04 to
 * RED-10). All violations and warnings are reported, the gravest first, each with the JSON pointer or the place in the
 * text it concerns. Unknown members and values refuse nothing (DOC-10, DOC-11). A body of more than `bytesMax` decoded
 * bytes is not looked into (FET-10).
 */
export function parseClientMetadata(
  body: Uint8Array,
  clientId: ClientIdUrl,
  { bytesMax = DOCUMENT_BYTES_LIMIT }: { readonly bytesMax?: number } = {},
): ClientMetadataResult {
  if (body.byteLength > bytesMax) return tooLarge(body.byteLength, bytesMax)
  const document = parseJsonDocument(body)
  if (!document.ok) return document
  const findings = METADATA_RULES.flatMap((rule) => rule(document.value, clientId)).slice(0, FINDINGS_MAX)
  const refusal = refusalOf(findings)
  if (refusal) return refusal
  return { ok: true, metadata: metadataOf(document.value), warnings: warningsOf(findings) }
}

function tooLarge(bytes: number, bytesMax: number): Refusal {
  const detail = `${bytes} bytes, of which ${bytesMax} are read`
  return {
    ok: false,
    code: 'too_large',
    violations: [{ code: 'too_large', rule: 'FET-10', detail }],
    warnings: [],
  }
}

/** What a document says that is meant for a reader (DOC-10, DOC-19); its known members must have been checked. */
export function metadataOf(document: JsonObject): ClientMetadata {
  const present = Object.entries(document).filter(([member, value]) => isKept(member, value))
  // The cast holds since client_id and the type of every known member that is not null were checked.
  return withoutPrototypes(Object.fromEntries(present)) as ClientMetadata
}

// A known member that is null counts as absent, and one in a form we do not know cannot be used (DOC-10, KEY-10).
function isKept(member: string, value: JsonValue): boolean {
  if (REGISTRATION_MEMBERS.has(member)) return false
  if (member === 'token_endpoint_auth_methods_supported') return Array.isArray(value)
  return value !== null || !isKnownMember(member)
}
