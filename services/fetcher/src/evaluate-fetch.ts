import {
  type AttemptOutcome,
  type CacheHeaders,
  classifyContentType,
  describeViolations,
  type FetchResult,
  type Freshness,
  freshnessOf,
  judgeAttempt,
  parseClientMetadata,
  type Refusal,
  RULES_VERSION,
  readStoredDocument,
  sha256Hex,
  updateStoredHeaders,
  updateValidators,
  type Validators,
  validatorsOf,
} from '@cimd/core'
import type { AttemptRecord, Claim } from '@cimd/store'
import { type Announced, announcedChanges } from './announced-changes.ts'
import { auditedAttempt } from './audited-fetch.ts'
import { linkedChanges } from './linked-changes.ts'

type Found = {
  readonly outcome: AttemptOutcome
  readonly failure?: AttemptRecord['failure']
  readonly newVersion?: AttemptRecord['newVersion']
  readonly validators?: Validators
  readonly cacheHeaders?: CacheHeaders
  readonly announcement?: Announced['announcement']
}

/**
 * Turns what the network gave into what will be recorded: validates, compares with the current version and
 * judges. Pure; `finishedAt` is on the database's clock, `jitter` in [0, 1).
 */
export function evaluateFetch(
  claim: Claim,
  result: FetchResult,
  finishedAt: Date,
  jitter: number,
): AttemptRecord {
  const found = examine(claim, result, finishedAt)
  const judgement = judgeAttempt(claim.standing, found.outcome, finishedAt, jitter, claim.brake)
  const body = found.newVersion?.body ?? claim.version?.body
  const linked = found.outcome.kind === 'valid' && body ? linkedChanges(claim, body) : undefined
  const record: AttemptRecord = {
    claim,
    finishedAt,
    outcome: found.outcome.kind === 'failed' ? 'failed' : result.kind,
    evidence: result.evidence,
    standing: judgement.standing,
    examined: result.kind !== 'failed',
    nextAttemptAt: judgement.nextAttemptAt,
    events: [...judgement.events, ...(linked?.events ?? [])],
    ...(linked && { resources: linked.resources }),
    ...(found.failure && { failure: found.failure }),
    ...(found.newVersion && { newVersion: found.newVersion }),
    ...(found.validators && { validators: found.validators }),
    ...(found.cacheHeaders && { cacheHeaders: found.cacheHeaders }),
    ...(found.announcement && { announcement: found.announcement }),
  }
  const audited = auditedAttempt(record, Object.keys(usableValidators(claim)).length > 0)
  return audited === undefined ? record : { ...record, audited }
}

/** The validators that may be sent: of a version still valid under the present rules, unless forced (FET-06, CAC-12). */
export function usableValidators({ version, forced, validators }: Claim): Validators {
  // A 304 says nothing of the type, and servers keep the ETag of a file whose type is mended (FET-08).
  const isPlainText = classifyContentType(version?.contentType) === 'text'
  const conditional = version?.rulesVersion === RULES_VERSION && !isPlainText && !forced
  return conditional ? validators : {}
}

function examine(claim: Claim, result: FetchResult, receivedAt: Date): Found {
  if (result.kind === 'failed') return examineFailure(result)
  const isUpdate = result.kind === 'not_modified'
  const headers = isUpdate ? updateStoredHeaders(claim.cacheHeaders ?? {}, result.headers) : result.headers
  const responseDelaySeconds = result.evidence.times.totalMs / 1000
  const freshness = freshnessOf({ headers, receivedAt, responseDelaySeconds })
  const found = isUpdate
    ? examineUnchanged(claim, result.headers, freshness, receivedAt)
    : examineDocument(claim, result, freshness, receivedAt)
  return found.outcome.kind === 'valid' ? { ...found, cacheHeaders: headers } : found
}

function examineUnchanged(
  claim: Claim,
  headers: CacheHeaders,
  freshness: Freshness,
  receivedAt: Date,
): Found {
  if (claim.version === undefined)
    throw new Error('304 for a client without a version: egress must refuse it')
  const { digest } = claim.version
  const { announcement, ...told } = announcedChanges(claim, claim.version, receivedAt)
  return {
    outcome: { kind: 'valid', digest, freshness, ...told },
    validators: updateValidators(claim.validators, headers),
    ...(announcement && { announcement }),
  }
}

function examineFailure({
  code,
  detail,
  retryAfterSeconds,
}: Extract<FetchResult, { kind: 'failed' }>): Found {
  return {
    outcome: { kind: 'failed', code, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
    failure: { code, detail },
  }
}

function examineDocument(
  claim: Claim,
  { body, contentType, headers }: Extract<FetchResult, { kind: 'fetched' }>,
  freshness: Freshness,
  receivedAt: Date,
): Found {
  const digest = sha256Hex(body)
  const judged = judgeDocument(claim, body, digest)
  if (!judged.ok) {
    const { code } = judged
    return {
      outcome: { kind: 'failed', code },
      failure: { code, detail: describeViolations(judged.violations) },
    }
  }
  const { rulesVersion } = judged
  const validators = validatorsOf(headers)
  const { announcement, ...told } = announcedChanges(claim, { digest, body }, receivedAt)
  const outcome = { kind: 'valid', digest, freshness, ...told } as const
  const newVersion = { body, digest, contentType, rulesVersion }
  const isNew = !isCurrent(claim, newVersion)
  return { outcome, ...(isNew && { newVersion }), validators, ...(announcement && { announcement }) }
}

/**
 * The rules that say a document is valid: the present ones; or, until an operator has approved these, the older ones that
 * its current version was stored under, if not a byte has changed since. What only our change refuses is not its
 * publisher's word (CAC-12).
 */
function judgeDocument(
  { clientId, version, rulesApproved = 0 }: Claim,
  body: Uint8Array,
  digest: string,
): { readonly ok: true; readonly rulesVersion: number } | Refusal {
  const parsed = parseClientMetadata(body, clientId)
  if (parsed.ok) return { ok: true, rulesVersion: RULES_VERSION }
  if (version?.digest !== digest || rulesApproved >= RULES_VERSION) return parsed
  return readStoredDocument(version, clientId).ok ? { ok: true, rulesVersion: version.rulesVersion } : parsed
}

// How it is served counts as well: policy judges plain text and JSON differently (FET-08).
function isCurrent({ version }: Claim, found: NonNullable<Found['newVersion']>): boolean {
  return (
    version?.digest === found.digest &&
    version.rulesVersion === found.rulesVersion &&
    classifyContentType(version.contentType) === classifyContentType(found.contentType)
  )
}
