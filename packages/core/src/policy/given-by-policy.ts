import { effectiveDocument } from '../changes/effective-document.ts'
import type { MemberChange } from '../changes/member-change.ts'
import { compareMetadata } from '../changes/metadata-changes.ts'
import { sha256Hex } from '../digest.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { canonicalJson } from '../json/json.ts'
import type { TrustPolicy } from './policy-schema.ts'
import { restrictToPolicy } from './restrict-to-policy.ts'

/** The versions that what a tenant gets is made of. */
export type KnownVersions = {
  readonly current: ClientMetadata
  /** The version that the tenant has approved, while the approval lasts. */
  readonly approved?: ClientMetadata | undefined
  /** The version that counts as agreed to where nothing was said: the first that was admitted, or that consent was given to. */
  readonly baseline?: ClientMetadata | undefined
}

/** What an authorization server gets under a policy. */
export type GivenByPolicy = {
  readonly metadata: ClientMetadata
  /** sha-256 of its canonical JSON; undefined where it is the current version, which has a digest of its own. */
  readonly digest: string | undefined
  /** What widens and waits for approval. */
  readonly held: readonly MemberChange[]
  /** What the policy takes out of what is left. */
  readonly removed: readonly MemberChange[]
  /** What counts and is more than the baseline: consent to it is to be asked for again (CHG-02). */
  readonly reconsent: readonly MemberChange[]
  /** Where the document names no scope: the most that may be granted. Undefined where it does, or the policy sets no limit. */
  readonly scopeLimit: readonly string[] | undefined
}

/**
 * What a tenant's authorization server gets (CHG-02, CHG-07, CHG-08, DOC-11): of the current version what was approved as
 * well, and of that what the policy permits. An approval binds whatever the policy says of changes; without one, widening
 * beyond the baseline is held, told, or accepted as it says.
 */
export function givenByPolicy(policy: TrustPolicy, versions: KnownVersions): GivenByPolicy {
  const { current, approved, baseline } = versions
  const bound = approved ?? (policy.changes === 'hold_widening' ? baseline : undefined)
  const { metadata: effective, held } = bound
    ? effectiveDocument(bound, current)
    : { metadata: current, held: [] }
  const { metadata, removed } = restrictToPolicy(policy, effective)
  const asks = policy.changes === 'require_reconsent' && baseline !== undefined
  return {
    metadata,
    digest: metadata === current ? undefined : sha256Hex(canonicalJson(metadata)),
    held,
    removed,
    reconsent: asks ? compareMetadata(baseline, metadata).filter(isWidening) : [],
    scopeLimit: metadata.scope === undefined ? (policy.scopes ?? undefined) : undefined,
  }
}

function isWidening(change: MemberChange): boolean {
  return change.class === 'widening'
}
