import { type Refusal, refusalOf, type Warning, warningsOf } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import type { JsonObject } from '../json/json.ts'
import { parseJsonDocument, withoutPrototypes } from '../json/json-document.ts'
import { isKnownMember, type KnownMembers } from './member-types.ts'
import { METADATA_RULES } from './metadata-rules.ts'

/**
 * Version of the rules a document is judged by. A stored verdict or validator is void under another version
 * (CAC-12, CHG-09), so every change that can turn a verdict raises it.
 */
export const RULES_VERSION = 1

/** The members of an accepted document under their own names; known ones are typed, unknown ones kept (DOC-04, DOC-10). */
export type ClientMetadata = JsonObject & KnownMembers & { readonly client_id: ClientIdUrl }

export type ClientMetadataResult =
  | { readonly ok: true; readonly metadata: ClientMetadata; readonly warnings: readonly Warning[] }
  | Refusal

/**
 * Judges a body as the client metadata document of an identifier (DOC-01 to DOC-16, KEY-04, RED-04 to RED-09).
 * All violations are reported, the gravest first; unknown members and values refuse nothing (DOC-10, DOC-11).
 */
export function parseClientMetadata(body: Uint8Array, clientId: ClientIdUrl): ClientMetadataResult {
  const document = parseJsonDocument(body)
  if (!document.ok) return document
  const findings = METADATA_RULES.flatMap((rule) => rule(document.value, clientId))
  const refusal = refusalOf(findings)
  if (refusal) return refusal
  return { ok: true, metadata: metadataOf(document.value), warnings: warningsOf(findings) }
}

function metadataOf(document: JsonObject): ClientMetadata {
  const present = Object.entries(document).filter(
    ([member, value]) => value !== null || !isKnownMember(member),
  )
  // The cast holds since METADATA_RULES checked client_id and the type of every known member that is not null.
  return withoutPrototypes(Object.fromEntries(present)) as ClientMetadata
}
