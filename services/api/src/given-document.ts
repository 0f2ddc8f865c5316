import {
  type ClientIdUrl,
  type ClientMetadata,
  describeViolations,
  type GivenByPolicy,
  judgeStoredClient,
  type PolicyVerdict,
} from '@cimd/core'
import {
  type ClientView,
  type Db,
  isOwnerNew,
  noteEffectiveDocument,
  type PolicyFacts,
  type StoredVersion,
  withTenant,
} from '@cimd/store'
import { changesBody } from './changes-body.ts'
import type { NamedPolicy } from './policies.ts'
import { failureProblem, type Problem, requestProblem } from './problem.ts'
import type { ReadyBody } from './schemas.ts'

/** The document that a tenant gets: of the current version what was agreed to as well, and of that what its policy permits (CHG-07). */
export type GivenDocument =
  | {
      readonly ok: true
      readonly metadata: ClientMetadata
      readonly digest: string
      /** Where a version was approved, or the document is not the current version. */
      readonly effective: ReadyBody['effective']
      /** Only newer rules than those the current version was stored under refuse it (CAC-12). */
      readonly underOldRules: boolean
      readonly verdict: PolicyVerdict
      readonly given: GivenByPolicy
    }
  | { readonly ok: false; readonly problem: Problem }

export type GivenOptions = {
  readonly policy: NamedPolicy
  /** For a revocation, even if what was agreed to cannot be read any more: then the current version as it is. */
  readonly evenUnapproved?: boolean | undefined
}

type Facts = PolicyFacts & Pick<ClientView, 'rulesApproved'>

/** Judges what the tenant of a view gets for a version. */
export function givenDocument(
  clientId: ClientIdUrl,
  facts: Facts,
  version: StoredVersion,
  options: GivenOptions,
): GivenDocument {
  const judged = judgeStoredClient(options.policy.policy, clientId, {
    ...facts,
    current: version,
    preRegistered: facts.registration !== undefined,
    refused: facts.refused,
    ownerUnaccepted: isOwnerNew(facts),
  })
  if (judged.ok) {
    const { given, verdict, underOldRules } = judged
    const digest = given.digest ?? version.digest
    const effective = effectiveBody(facts, version, given, options.policy)
    return { ok: true, metadata: given.metadata, digest, effective, underOldRules, verdict, given }
  }
  const { code, violations } = judged.refusal
  const detail = describeViolations(violations)
  if (judged.unreadable === 'current') return { ok: false, problem: failureProblem(code, detail) }
  if (!options.evenUnapproved) return { ok: false, problem: requestProblem('approval_void', detail) }
  const asItIs = { ...facts, approved: undefined, baseline: undefined }
  return givenDocument(clientId, asItIs, version, options)
}

function effectiveBody(
  { approved, baseline }: Facts,
  version: StoredVersion,
  { digest, held, removed }: GivenByPolicy,
  policy: NamedPolicy,
): ReadyBody['effective'] {
  if (approved === undefined && digest === undefined) return undefined
  const isHeldByBaseline = approved === undefined && held.length > 0 && typeof baseline === 'object'
  return {
    ...(approved && { approved_digest: approved.digest }),
    ...(isHeldByBaseline && { baseline_digest: baseline.digest }),
    current_digest: version.digest,
    held: changesBody(held),
    ...(removed.length > 0 && { removed: changesBody(removed), policy_version: policy.version }),
  }
}

/** Notes a document that is no version, so that the tenant may bind it and ask later what changed since. */
export async function noteGiven(
  db: Db,
  tenantId: string,
  given: { readonly client_id: string; readonly digest: string; readonly effective?: ReadyBody['effective'] },
): Promise<void> {
  const { client_id: clientId, digest, effective } = given
  if (effective === undefined || effective.current_digest === digest) return
  const { current_digest: currentDigest, policy_version: policyVersion } = effective
  const approvedDigest = effective.approved_digest ?? effective.baseline_digest ?? currentDigest
  await withTenant(db, tenantId, (trx) =>
    noteEffectiveDocument(trx, { clientId, digest, approvedDigest, currentDigest, policyVersion }),
  )
}
