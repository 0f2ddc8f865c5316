import type { FailureCode } from '../failure/failure.ts'
import type { Refusal, Warning } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { parseJsonDocument } from '../json/json-document.ts'
import { type ClientMetadata, metadataOf, parseClientMetadata, RULES_VERSION } from './client-metadata.ts'
import { misplacedTypes } from './member-types.ts'

/** A document that was valid when it was stored, and the version of the rules that said so. */
export type StoredDocument = { readonly body: Uint8Array; readonly rulesVersion: number }

/** A stored document read now; `refusal` is what the present rules have against it, and older ones had not. */
export type StoredReading =
  | {
      readonly ok: true
      readonly metadata: ClientMetadata
      readonly warnings: readonly Warning[]
      readonly refusal: Refusal | undefined
    }
  | Refusal

// No version of the rules allowed these, and whoever is given such a document is harmed by it.
const NEVER_VALID: ReadonlySet<FailureCode> = new Set([
  ...(['client_id_missing', 'client_id_mismatch', 'forbidden_member', 'private_key'] as const),
])

/**
 * Reads a stored document (ARC-07, CAC-12). One that only newer rules refuse is read all the same, since that is our
 * change and not its publisher's: what ends its use is its standing, once an operator has approved the rules. Bytes that
 * are no JSON document, are of another client or hold a secret are refused whatever they were stored under, and a member
 * whose type is not that of the registry is left out.
 */
export function readStoredDocument(
  { body, rulesVersion }: StoredDocument,
  clientId: ClientIdUrl,
): StoredReading {
  const judged = parseClientMetadata(body, clientId)
  if (judged.ok) return { ...judged, refusal: undefined }
  if (rulesVersion >= RULES_VERSION || judged.violations.some(({ code }) => NEVER_VALID.has(code)))
    return judged
  const document = parseJsonDocument(body)
  if (!document.ok) return judged
  const typed = Object.entries(document.value).filter(
    ([member, value]) => misplacedTypes(member, value).length === 0,
  )
  const { warnings } = judged
  return { ok: true, metadata: metadataOf(Object.fromEntries(typed)), warnings, refusal: judged }
}
