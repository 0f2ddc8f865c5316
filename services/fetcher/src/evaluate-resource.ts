import {
  type AttemptOutcome,
  type CacheHeaders,
  type ClientEvent,
  type ClientState,
  type FailureCode,
  type FetchResult,
  freshnessOf,
  type Judgement,
  judgeAttempt,
  judgeKeySet,
  type KeySet,
  linkedKeysEvents,
  linkedLogoEvents,
  RETRY_SECONDS_MAX,
  spokenClassOf,
  updateStoredHeaders,
  updateValidators,
  type Validators,
  validatorsOf,
} from '@cimd/core'
import type { ResourceClaim, ResourceRecord } from '@cimd/store'
import { auditedResource } from './audited-fetch.ts'

/** What an answer held: usable keys, an image of our own encoding, or nothing that may be used. */
export type Held =
  | { readonly kind: 'keys'; readonly keySet: KeySet }
  | { readonly kind: 'image'; readonly digest: string }
  | { readonly kind: 'unusable'; readonly code: FailureCode; readonly detail: string }

/** One finished fetch of a resource; `held` is absent where there was no body. */
export type FetchedResource = { readonly result: FetchResult; readonly held?: Held }

/** A key set or logo that never was there is asked for less and less often, once a day in the end. */
const FIRST_RETRY_SECONDS = { min: 60, max: 24 * 60 * 60 }

/**
 * Turns what a fetch of a key set or a logo gave into what will be recorded, by the rules of documents: a failed fetch is
 * no rotation, and what is gone is gone after the grace of its class (CAC-07, CAC-14). Pure; `finishedAt` is on the
 * database's clock, `jitter` in [0, 1).
 */
export function evaluateResource(
  claim: ResourceClaim,
  fetched: FetchedResource,
  finishedAt: Date,
  jitter: number,
): ResourceRecord {
  const failure = failureOf(fetched)
  const outcome = outcomeOf(claim, fetched, failure, finishedAt)
  const judgement = judgeAttempt(claim.standing, outcome, finishedAt, jitter, claim.brake)
  const { standing, nextAttemptAt } = judgement
  const { result, held } = fetched
  const isValid = failure === undefined && result.kind !== 'failed'
  const record: ResourceRecord = {
    claim,
    finishedAt,
    standing,
    examined: result.kind !== 'failed',
    nextAttemptAt:
      standing.quarantine?.until ??
      nextAttemptAt ??
      firstRetryAt(standing.failure?.since ?? finishedAt, finishedAt, retryAfterOf(outcome)),
    events: [...quarantineEventsOf(claim, judgement), ...eventsOf(claim, held, standing.state)],
    ...(failure && { failure }),
    ...(held?.kind === 'keys' && { body: new TextEncoder().encode(held.keySet.text) }),
    ...(isValid && { cacheHeaders: headersAfter(claim, result), validators: validatorsAfter(claim, result) }),
  }
  const audited = auditedResource(record, result, Object.keys(resourceValidators(claim)).length > 0)
  return audited === undefined ? record : { ...record, audited }
}

/** The validators that may be sent: none where somebody waits for what is there now (FET-06, CAC-12). */
export function resourceValidators({ urgent, standing, validators }: ResourceClaim): Validators {
  return urgent || standing.digest === undefined ? {} : validators
}

function failureOf({ result, held }: FetchedResource): ResourceRecord['failure'] {
  if (result.kind === 'failed') return { code: result.code, detail: result.detail }
  return held?.kind === 'unusable' ? { code: held.code, detail: held.detail } : undefined
}

function outcomeOf(
  claim: ResourceClaim,
  { result, held }: FetchedResource,
  failure: ResourceRecord['failure'],
  receivedAt: Date,
): AttemptOutcome {
  if (failure !== undefined || result.kind === 'failed') {
    const wait = result.kind === 'failed' ? result.retryAfterSeconds : undefined
    const code = failure?.code ?? 'status_5xx'
    return { kind: 'failed', code, ...(wait !== undefined && { retryAfterSeconds: wait }) }
  }
  const responseDelaySeconds = result.evidence.times.totalMs / 1000
  const freshness = freshnessOf({ headers: headersAfter(claim, result), receivedAt, responseDelaySeconds })
  const digest = digestOf(held) ?? claim.standing.digest
  if (digest === undefined) throw new Error('304 for a resource without a body: egress must refuse it')
  return { kind: 'valid', digest, freshness, changes: [] }
}

function digestOf(held: Held | undefined): string | undefined {
  if (held?.kind === 'keys') return held.keySet.digest
  return held?.kind === 'image' ? held.digest : undefined
}

// What ended was announced as gone, and is announced again when it is back.
function eventsOf(claim: ResourceClaim, held: Held | undefined, state: ClientState): readonly ClientEvent[] {
  const { standing } = claim
  if (claim.kind === 'logo') {
    return linkedLogoEvents(standing, { state, digest: digestOf(held) ?? standing.digest })
  }
  const stored = storedKeys(claim)
  const keySet = held?.kind === 'keys' ? held.keySet : stored
  return linkedKeysEvents({ state: standing.state, keySet: stored }, { state, keySet })
}

// What else is judged of a document is not announced of what it names.
function quarantineEventsOf({ kind }: ResourceClaim, { events }: Judgement): readonly ClientEvent[] {
  return events.flatMap((event) =>
    event.type === 'client.quarantined' ? [{ ...event, data: { resource: kind, ...event.data } }] : [],
  )
}

function storedKeys({ body }: ResourceClaim): KeySet | undefined {
  const judged = body && judgeKeySet(body)
  return judged?.ok ? judged.keySet : undefined
}

type Answered = Exclude<FetchResult, { kind: 'failed' }>

// A 304 says only what is new about the response it confirms (CAC-12).
function headersAfter({ cacheHeaders = {} }: ResourceClaim, { kind, headers }: Answered): CacheHeaders {
  return kind === 'not_modified' ? updateStoredHeaders(cacheHeaders, headers) : headers
}

function validatorsAfter({ validators }: ResourceClaim, { kind, headers }: Answered): Validators {
  return kind === 'not_modified' ? updateValidators(validators, headers) : validatorsOf(headers)
}

// Within the bounds of a document, or a publisher could keep us from a key set for longer than from all else (FET-23).
function retryAfterOf(outcome: AttemptOutcome): number {
  if (outcome.kind === 'valid') return 0
  return Math.min(outcome.retryAfterSeconds ?? 0, RETRY_SECONDS_MAX[spokenClassOf(outcome.code)])
}

function firstRetryAt(since: Date, at: Date, retryAfterSeconds: number): Date {
  const { min, max } = FIRST_RETRY_SECONDS
  const elapsedSeconds = (at.getTime() - since.getTime()) / 1000
  const pauseSeconds = Math.min(Math.max(elapsedSeconds, min), max)
  return new Date(at.getTime() + Math.max(pauseSeconds, retryAfterSeconds) * 1000)
}
