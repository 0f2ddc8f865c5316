import {
  type AttemptOutcome,
  type CacheHeaders,
  classifyContentType,
  compareMetadata,
  describeViolations,
  type FetchResult,
  freshnessOf,
  judgeAttempt,
  parseClientMetadata,
  RULES_VERSION,
  sha256Hex,
  type Validators,
} from '@cimd/core'
import type { AttemptRecord, Claim } from '@cimd/store'

type Found = {
  readonly outcome: AttemptOutcome
  readonly failure?: AttemptRecord['failure']
  readonly newVersion?: AttemptRecord['newVersion']
  readonly validators?: Validators
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
  const judgement = judgeAttempt(claim.standing, found.outcome, finishedAt, jitter)
  return {
    claim,
    finishedAt,
    outcome: found.outcome.kind === 'failed' ? 'failed' : result.kind,
    evidence: result.evidence,
    standing: judgement.standing,
    nextAttemptAt: judgement.nextAttemptAt,
    events: judgement.events,
    ...(found.failure && { failure: found.failure }),
    ...(found.newVersion && { newVersion: found.newVersion }),
    ...(found.validators && { validators: found.validators }),
  }
}

/** The validators that may be sent: of a version still valid under the present rules, unless forced (FET-06, CAC-12). */
export function usableValidators(claim: Claim): Validators {
  const conditional = claim.version?.rulesVersion === RULES_VERSION && !claim.forced
  return conditional ? claim.validators : {}
}

function examine(claim: Claim, result: FetchResult, receivedAt: Date): Found {
  if (result.kind === 'failed') return examineFailure(result)
  const responseDelaySeconds = result.evidence.times.totalMs / 1000
  const freshness = freshnessOf({ headers: result.headers, receivedAt, responseDelaySeconds })
  if (result.kind === 'fetched') return examineDocument(claim, result, freshness)
  if (claim.version === undefined)
    throw new Error('304 for a client without a version: egress must refuse it')
  const { digest } = claim.version
  const validators = { ...claim.validators, ...validatorsOf(result.headers) }
  return { outcome: { kind: 'valid', digest, freshness, changes: [] }, validators }
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
  freshness: ReturnType<typeof freshnessOf>,
): Found {
  const parsed = parseClientMetadata(body, claim.clientId)
  if (!parsed.ok) {
    const { code } = parsed
    return {
      outcome: { kind: 'failed', code },
      failure: { code, detail: describeViolations(parsed.violations) },
    }
  }
  const digest = sha256Hex(body)
  const validators = validatorsOf(headers)
  if (isCurrent(claim, digest, contentType)) {
    return { outcome: { kind: 'valid', digest, freshness, changes: [] }, validators }
  }
  const before = claim.version && parseClientMetadata(claim.version.body, claim.clientId)
  const changes = before?.ok ? compareMetadata(before.metadata, parsed.metadata) : []
  return {
    outcome: { kind: 'valid', digest, freshness, changes },
    newVersion: { body, digest, contentType, rulesVersion: RULES_VERSION },
    validators,
  }
}

// How it is served counts as well: policy judges plain text and JSON differently (FET-08).
function isCurrent({ version }: Claim, digest: string, contentType: string): boolean {
  return (
    version?.digest === digest &&
    version.rulesVersion === RULES_VERSION &&
    classifyContentType(version.contentType) === classifyContentType(contentType)
  )
}

function validatorsOf(headers: CacheHeaders): Validators {
  const etag = headers.etag?.[0]
  const lastModified = headers['last-modified']?.[0]
  return { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) }
}
