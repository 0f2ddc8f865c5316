import type { AttemptRow, Evidence, Hit, Life } from '../evidence.ts'
import { finding, type Invariant, type Violation } from './invariant.ts'

/** Between an answer of the origin and its record: the deadline of a fetch, the bound of a statement, and a pause. */
const RECORDING_MS = 20_000
/** An attempt of this length, the deadline of a fetch, may have outlasted its claim on a busy machine by its recording. */
const CLAIM_MS = 5000

type Matched = { readonly hit: Hit; readonly attempts: readonly AttemptRow[] }

/**
 * Every request that the origin saw is an attempt, told as it was, and the other way round. What the end of its fetcher or a
 * fault of the store kept from being recorded is the only exception.
 */
export const theAuditAgrees: Invariant = (evidence) => {
  const documents = evidence.hits.filter(({ resource }) => resource === 'document')
  const known = new Map(documents.map((hit) => [hit.number, hit]))
  const byHit = Map.groupBy(evidence.records.attempts, ({ evidence: seen }) => hitOf(seen.contentType) ?? 0)
  const unanswered = Map.groupBy(
    evidence.records.attempts.filter(({ evidence: seen }) => seen.status === undefined),
    ({ clientId }) => clientId,
  )
  const violations: Violation[] = []
  const beside = { 'ends of fetchers': 0, 'faults of the store': 0, 'fetches without an answer': 0 }
  for (const hit of documents) {
    const matched = { hit, attempts: byHit.get(hit.number) ?? [] }
    const why = matched.attempts.length > 0 ? undefined : explain(evidence, hit)
    if (why !== undefined) beside[why] += 1
    else if (matched.attempts.length === 0 && unanswered.get(hit.clientId)?.pop() !== undefined)
      beside['fetches without an answer'] += 1
    else violations.push(...judgeMatch(matched))
  }
  for (const attempt of evidence.records.attempts) violations.push(...judgeAttempt(attempt, known))
  const checked = { requests: documents.length, attempts: evidence.records.attempts.length }
  return finding('the audit agrees with the origin', checked, violations, beside)
}

function hitOf(contentType: string | undefined): number | undefined {
  const [, number] = /; hit=(\d+)$/.exec(contentType ?? '') ?? []
  return number === undefined ? undefined : Number(number)
}

/** What may have kept a request from being recorded. */
export function explain(
  evidence: Evidence,
  hit: Hit,
): 'ends of fetchers' | 'faults of the store' | undefined {
  const until = hit.at + RECORDING_MS
  const isEnd = (life: Life): boolean =>
    life.id === hit.fetcher && life.until >= hit.at && life.until <= until
  if (evidence.lives.some(isEnd)) return 'ends of fetchers'
  const disturbed = evidence.turns.some(
    (turn) => turn.disturbsStore && turn.from <= until && turn.until + RECORDING_MS >= hit.at,
  )
  return disturbed ? 'faults of the store' : undefined
}

function judgeMatch({ hit, attempts }: Matched): readonly Violation[] {
  const { clientId, at, status, digest, bodyBytes, number } = hit
  const name = `${clientId}, request ${number}`
  const [attempt, ...others] = attempts
  if (attempt === undefined)
    return [{ wrong: 'unexplained', what: `${name}: no attempt, and no fault explains that`, at }]
  const found: Violation[] = []
  if (others.length > 0) found.push({ wrong: 'duplicated', what: `${name}: ${attempts.length} attempts`, at })
  const seen = attempt.evidence
  const differs = (what: string): Violation => ({ wrong: 'unexplained', what: `${name}: ${what}`, at })
  if (attempt.clientId !== clientId) found.push(differs(`the attempt is one on ${attempt.clientId}`))
  if (seen.status !== status) found.push(differs(`status ${status}, recorded ${seen.status}`))
  if (status === 200 && seen.bodyBytes !== bodyBytes && attempt.failureCode === null)
    found.push(differs(`${bodyBytes} bytes, recorded ${seen.bodyBytes}`))
  // Of a claim that was lost the version is not kept.
  if (attempt.applied && attempt.failureCode === null && attempt.digest !== digest)
    found.push(differs(`served ${digest}, recorded ${attempt.digest}`))
  return found
}

function judgeAttempt(attempt: AttemptRow, known: ReadonlyMap<number, Hit>): readonly Violation[] {
  const { clientId, evidence: seen, generation } = attempt
  if (seen.status === undefined) return []
  const number = hitOf(seen.contentType)
  const hit = number === undefined ? undefined : known.get(number)
  if (hit !== undefined) return []
  return [
    { wrong: 'unexplained', what: `${clientId}, generation ${generation}: recorded, and never requested` },
  ]
}

/** Whether the clock leapt about when an attempt began: that ends its claim. */
export function isLeaptOver({ clockSteps }: Evidence, { startedAt }: AttemptRow): boolean {
  return clockSteps.some(({ at }, index) => {
    const aheadMs = 1000 * (clockSteps[index - 1]?.offsetSeconds ?? 0)
    return Math.abs(startedAt.getTime() - aheadMs - at) <= RECORDING_MS
  })
}

/** How long an attempt took, by its own account. */
export function outlastsClaim({ startedAt, finishedAt }: AttemptRow): boolean {
  return finishedAt.getTime() - startedAt.getTime() >= CLAIM_MS
}
