import type { Warning } from '../failure/finding.ts'
import { admitIdentifier, type PolicyIdentifier } from './admit-identifier.ts'
import { type GivenByPolicy, givenByPolicy, type KnownVersions } from './given-by-policy.ts'
import { judgeDocument } from './judge-document.ts'
import type { TrustPolicy } from './policy-schema.ts'
import {
  joinVerdicts,
  type PolicyDecision,
  type PolicyVerdict,
  refusal,
  verdictOf,
} from './policy-verdict.ts'

/** A client with a valid document, as one tenant knows it. */
export type PolicyClient = {
  readonly identifier: PolicyIdentifier
  readonly preRegistered: boolean
  /** What a person said who refused it; undefined: nobody did. */
  readonly refused: string | undefined
  /** See `PolicyDocument`. */
  readonly ownerUnaccepted?: boolean | undefined
  readonly versions: KnownVersions
  /** How the current version was served. */
  readonly contentType: string
  /** What was found when the current version was judged. */
  readonly warnings: readonly Warning[]
}

export type ClientJudgement = { readonly verdict: PolicyVerdict; readonly given: GivenByPolicy }

/**
 * Both steps of a policy on a client whose document is valid (POL-01 to POL-06): what its tenant gets, and the verdict on
 * just that, with the identifier and the word of a person who refused it counted in.
 */
export function judgeClient(policy: TrustPolicy, client: PolicyClient): ClientJudgement {
  const { identifier, preRegistered, refused, versions, contentType, warnings, ownerUnaccepted } = client
  const given = givenByPolicy(policy, versions)
  const document = {
    ...{ clientId: identifier.value, metadata: given.metadata, contentType, warnings },
    approved: versions.approved !== undefined,
    ownerUnaccepted,
  }
  const verdict = joinVerdicts(
    admitIdentifier(policy, identifier, { preRegistered }),
    verdictOf(refused === undefined ? [] : [refusal('review_refused', '', refused)]),
    judgeDocument(policy, document),
  )
  return { verdict, given }
}

/** A decision as events and tables have it. */
export type DecisionName = 'admitted' | 'held' | 'refused'

const NAMES = { admit: 'admitted', hold: 'held', refuse: 'refused' } as const

/** The name under which a decision is kept and told. */
export function decisionName(decision: PolicyDecision): DecisionName {
  return NAMES[decision]
}
