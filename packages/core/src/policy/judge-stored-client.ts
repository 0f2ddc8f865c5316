import { RULES_VERSION } from '../document/client-metadata.ts'
import { readStoredDocument, type StoredDocument } from '../document/stored-document.ts'
import type { Refusal } from '../failure/finding.ts'
import type { ClientIdUrl } from '../identifier/client-id-url.ts'
import { registrableDomainOf } from '../identifier/registrable-domain.ts'
import type { PolicyIdentifier } from './admit-identifier.ts'
import { type ClientJudgement, judgeClient, type PolicyClient } from './judge-client.ts'
import type { TrustPolicy } from './policy-schema.ts'

/** A client as it is stored for one tenant: bytes, and what people decided. */
export type StoredClient = Pick<PolicyClient, 'preRegistered' | 'refused' | 'ownerUnaccepted'> & {
  readonly current: StoredDocument & { readonly contentType: string }
  readonly approved?: StoredDocument | undefined
  /** See `KnownVersions`; `current`: it is the very same version. */
  readonly baseline?: StoredDocument | 'current' | undefined
  /** The rules an operator of the deployment has approved (CAC-12). */
  readonly rulesApproved?: number | undefined
}

export type StoredJudgement =
  | (ClientJudgement & {
      readonly ok: true
      /** Only newer rules than those the current version was stored under refuse it (CAC-12). */
      readonly underOldRules: boolean
    })
  /** `agreed`: what the current version is compared with is against the present rules. */
  | { readonly ok: false; readonly unreadable: 'current' | 'agreed'; readonly refusal: Refusal }

/** `judgeClient` on stored bytes, which are judged again where they are read (ARC-07). */
export function judgeStoredClient(
  policy: TrustPolicy,
  clientId: ClientIdUrl,
  {
    current: stored,
    approved,
    baseline,
    rulesApproved = 0,
    preRegistered,
    refused,
    ownerUnaccepted,
  }: StoredClient,
): StoredJudgement {
  const current = readStoredDocument(stored, clientId)
  if (!current.ok) return { ok: false, unreadable: 'current', refusal: current }
  // No standing of its own ends the use of such a version, so the approval of the rules does.
  const read = (document: StoredDocument) => {
    const rulesVersion = rulesApproved < RULES_VERSION ? document.rulesVersion : RULES_VERSION
    return readStoredDocument({ ...document, rulesVersion }, clientId)
  }
  const agreed = approved && read(approved)
  const first = baseline === 'current' ? current : baseline && read(baseline)
  const refusal = [agreed, first].find((reading) => reading?.ok === false)
  if (refusal?.ok === false) return { ok: false, unreadable: 'agreed', refusal }
  const judgement = judgeClient(policy, {
    ...{ identifier: policyIdentifierOf(clientId), preRegistered, refused, ownerUnaccepted },
    versions: {
      current: current.metadata,
      approved: agreed?.ok ? agreed.metadata : undefined,
      baseline: first?.ok ? first.metadata : undefined,
    },
    ...{ contentType: stored.contentType, warnings: current.warnings },
  })
  return { ok: true, ...judgement, underOldRules: current.refusal !== undefined }
}

/** What a policy is asked about of an identifier that was checked before. */
export function policyIdentifierOf(clientId: ClientIdUrl): PolicyIdentifier {
  const { hostname, port } = new URL(clientId)
  return {
    ...{ value: clientId, host: hostname, port: Number(port || 443) },
    registrableDomain: registrableDomainOf(hostname),
  }
}
