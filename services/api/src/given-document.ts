import {
  type ClientIdUrl,
  type ClientMetadata,
  describeViolations,
  effectiveDocument,
  RULES_VERSION,
  readStoredDocument,
} from '@cimd/core'
import { type ClientView, type Db, noteEffectiveDocument, type StoredVersion, withTenant } from '@cimd/store'
import { changesBody } from './changes-body.ts'
import { failureProblem, type Problem, requestProblem } from './problem.ts'
import type { ReadyBody } from './schemas.ts'

/** The document that a tenant gets: the current version, or what that and the approved one both allow (CHG-07). */
export type GivenDocument =
  | {
      readonly ok: true
      readonly metadata: ClientMetadata
      readonly digest: string
      /** Where the tenant has approved a version. */
      readonly effective: ReadyBody['effective']
      /** Only newer rules than those the current version was stored under refuse it (CAC-12). */
      readonly underOldRules: boolean
    }
  | { readonly ok: false; readonly problem: Problem }

export type GivenOptions = {
  /** For a revocation, even if the approved version cannot be read any more: then the current one as it is. */
  readonly evenUnapproved?: boolean | undefined
}

/** Judges what the tenant of a view gets for a version. */
export function givenDocument(
  clientId: ClientIdUrl,
  { approved, rulesApproved = 0 }: Pick<ClientView, 'approved' | 'rulesApproved'>,
  version: StoredVersion,
  { evenUnapproved = false }: GivenOptions = {},
): GivenDocument {
  // Bytes are judged again where they are read: a fetcher that was taken over gains nothing by writing (ARC-07).
  const current = readStoredDocument(version, clientId)
  if (!current.ok) {
    return { ok: false, problem: failureProblem(current.code, describeViolations(current.violations)) }
  }
  const asItIs = {
    ok: true,
    metadata: current.metadata,
    digest: version.digest,
    effective: undefined,
    underOldRules: current.refusal !== undefined,
  } as const
  if (approved === undefined) return asItIs
  // No standing of its own ends the use of an approved version, so the approval of the rules does.
  const rulesVersion = rulesApproved < RULES_VERSION ? approved.rulesVersion : RULES_VERSION
  const baseline = readStoredDocument({ ...approved, rulesVersion }, clientId)
  if (!baseline.ok) {
    if (evenUnapproved) return asItIs
    return { ok: false, problem: requestProblem('approval_void', describeViolations(baseline.violations)) }
  }
  const { metadata, held, digest = version.digest } = effectiveDocument(baseline.metadata, current.metadata)
  const effective = {
    approved_digest: approved.digest,
    current_digest: version.digest,
    held: changesBody(held),
  }
  return { ...asItIs, metadata, digest, effective }
}

/** Notes a document that is neither version, so that the tenant may bind it and ask later what changed since. */
export async function noteGiven(
  db: Db,
  tenantId: string,
  given: { readonly client_id: string; readonly digest: string; readonly effective?: ReadyBody['effective'] },
): Promise<void> {
  const { client_id: clientId, digest, effective } = given
  if (effective === undefined || effective.current_digest === digest) return
  const { approved_digest: approvedDigest, current_digest: currentDigest } = effective
  await withTenant(db, tenantId, (trx) =>
    noteEffectiveDocument(trx, { clientId, digest, approvedDigest, currentDigest }),
  )
}
