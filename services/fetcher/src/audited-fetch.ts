import { isIP } from 'node:net'
import {
  auditedDocument,
  type ClientIdUrl,
  type ClientStanding,
  chainableText,
  classOf,
  type FailureCode,
  type FetchEvidence,
  type FetchResult,
  readStoredDocument,
} from '@cimd/core'
import type { AttemptRecord, AuditedFetch, ResourceRecord } from '@cimd/store'

/**
 * What the audit is told of an attempt on a document: of each that found something other than that all is as it was, which
 * is by far the most there are, and which the cache facts of the next answer say as well. `conditional`: validators were sent.
 */
export function auditedAttempt(record: AttemptRecord, conditional: boolean): AuditedFetch | undefined {
  const { claim, outcome, failure, evidence, standing, newVersion } = record
  const isUnchanged = failure === undefined && newVersion === undefined
  if (isUnchanged && !isTroubled(claim.standing)) return undefined
  return {
    ...{ resource: 'document', outcome, ...evidenceFacts(evidence, failure?.code) },
    cache: cacheFacts(standing, conditional, failure),
    ...(failure === undefined && {
      digest: standing.digest,
      rules_version: newVersion?.rulesVersion ?? claim.version?.rulesVersion,
    }),
    ...(newVersion && {
      previous_digest: claim.version?.digest,
      ...documentFacts(newVersion, claim.clientId),
    }),
  }
}

/** The same of an attempt on a key set or a logo. */
export function auditedResource(
  { claim, failure, standing }: ResourceRecord,
  result: FetchResult,
  conditional: boolean,
): AuditedFetch | undefined {
  const isUnchanged = failure === undefined && standing.digest === claim.standing.digest
  if (isUnchanged && !isTroubled(claim.standing)) return undefined
  return {
    resource: claim.kind,
    outcome: failure === undefined ? result.kind : 'failed',
    ...evidenceFacts(result.evidence, failure?.code),
    cache: cacheFacts(standing, conditional, failure),
    ...(failure === undefined && { digest: standing.digest }),
    ...(!isUnchanged && failure === undefined && { previous_digest: claim.standing.digest }),
  }
}

function isTroubled({ failure, withdrawing, quarantine }: ClientStanding): boolean {
  return [failure, withdrawing, quarantine].some((trouble) => trouble !== undefined)
}

type EvidenceFacts = Pick<
  AuditedFetch,
  'code' | 'status' | 'content_type' | 'address' | 'address_class' | 'certificate_sha256'
>

// What a name resolves to inside of our network is for the operator's eyes, who finds it with the attempt.
function evidenceFacts(evidence: FetchEvidence, code: FailureCode | undefined): EvidenceFacts {
  const { status, contentType, dialledAddress = '', dialledClass, certificateSha256 } = evidence
  const isRefused = code !== undefined && classOf(code) === 'refused'
  const isTold = !isRefused && isIP(dialledAddress) !== 0
  return {
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status }),
    ...(contentType !== undefined && { content_type: chainableText(contentType) }),
    ...(isTold && { address: dialledAddress }),
    address_class: isRefused ? 'refused' : (dialledClass ?? 'not_dialled'),
    ...(certificateSha256 !== undefined && { certificate_sha256: certificateSha256 }),
  }
}

function cacheFacts(
  { freshUntil }: ClientStanding,
  conditional: boolean,
  failure: object | undefined,
): AuditedFetch['cache'] {
  const isTold = failure === undefined && freshUntil !== undefined
  return { conditional, ...(isTold && { fresh_until: freshUntil.toISOString() }) }
}

function documentFacts(version: NonNullable<AttemptRecord['newVersion']>, clientId: ClientIdUrl) {
  const read = readStoredDocument(version, clientId)
  return read.ok ? auditedDocument(read.metadata) : {}
}
