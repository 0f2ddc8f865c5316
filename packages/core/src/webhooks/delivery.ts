const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long an event is tried; an endpoint that took nothing for as long is disabled. */
export const DELIVERY_SECONDS_MAX = 3 * DAY

/** The shortest and the longest pause before an event is tried again. */
export const DELIVERY_RETRY_SECONDS = { min: 5, max: HOUR } as const

/** After so many failures in a row an endpoint is asked with one event at a time, as rarely as `PROBE_SECONDS` says. */
export const ENDPOINT_FAILURES_MAX = 5

/** The shortest and the longest pause of an endpoint that fails. */
export const PROBE_SECONDS = { min: 5, max: 5 * MINUTE } as const

/** How long an endpoint may take to show that it wants the events. */
export const VERIFICATION_SECONDS_MAX = HOUR

/** Why an endpoint did not take an event, besides the codes of the way to it. */
export const DELIVERY_CODES = {
  endpoint_status: 'The endpoint answered with another status than 2xx.',
  endpoint_gone: 'The endpoint answered 410: it wants no more events.',
  event_forgotten: 'The event is no longer kept: nobody has used the client for too long.',
} as const

/** Why a subscription is told nothing. */
export const DISABLED_CODES = {
  unverified: 'The endpoint did not show within an hour that it wants the events.',
  endpoint_gone: 'The endpoint answered 410.',
  endpoint_failing: 'The endpoint took no event for three days.',
  by_request: 'It was asked for.',
} as const
export type DisabledCode = keyof typeof DISABLED_CODES

/** How an endpoint answered, or why it could not. */
export type DeliveryOutcome =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfterSeconds?: number | undefined }
  | { readonly kind: 'failed'; readonly code: string }

/** What is known of an endpoint: its failures since it last took an event, and when they began. */
export type EndpointStanding = {
  readonly failures: number
  readonly failingSince: Date | undefined
  /** Nothing is sent before then. */
  readonly pausedUntil: Date | undefined
}

type FailingEndpoint = EndpointStanding & { readonly failingSince: Date }

export const WORKING_ENDPOINT: EndpointStanding = {
  failures: 0,
  failingSince: undefined,
  pausedUntil: undefined,
}

/** What becomes of an event and of its endpoint. */
export type DeliveryVerdict = {
  readonly delivery: 'delivered' | 'waiting' | 'dead'
  /** Why not; undefined where it is delivered. */
  readonly code: string | undefined
  /** When the events of this client go on. */
  readonly nextAt: Date
  readonly endpoint: EndpointStanding
  readonly disabled: DisabledCode | undefined
}

/** What a delivery is judged by. */
export type DeliveryFacts = {
  readonly outcome: DeliveryOutcome
  /** When this event was tried first. */
  readonly triedSince: Date
  readonly endpoint: EndpointStanding
  readonly at: Date
  /** In [0, 1): spreads what would return at once. */
  readonly random: number
}

/**
 * Judges one attempt to deliver one event. A failing endpoint is disabled before its events are given up: these wait until it is enabled.
 * An event is given up only where the endpoint takes others.
 */
export function judgeDelivery(facts: DeliveryFacts): DeliveryVerdict {
  const { outcome, at, triedSince } = facts
  const code = failureOf(outcome)
  if (code === undefined) {
    return { delivery: 'delivered', code, nextAt: at, endpoint: WORKING_ENDPOINT, disabled: undefined }
  }
  const endpoint = failedEndpoint(facts)
  const disabled = disabledCode(code, endpoint, at)
  const isTaking = disabled === undefined && endpoint.failures < ENDPOINT_FAILURES_MAX
  if (isTaking && secondsBetween(triedSince, at) >= DELIVERY_SECONDS_MAX)
    return { delivery: 'dead', code, nextAt: at, endpoint, disabled }
  return { delivery: 'waiting', code, nextAt: retryTime(facts), endpoint, disabled }
}

/** Whether an endpoint that was asked to return the challenge is verified, asked again, or given up. */
export function judgeVerification(facts: {
  readonly verified: boolean
  readonly askedSince: Date
  readonly at: Date
  readonly random: number
}): { readonly kind: 'verified' | 'given_up' } | { readonly kind: 'again'; readonly nextAt: Date } {
  const { verified, askedSince, at, random } = facts
  if (verified) return { kind: 'verified' }
  const elapsedSeconds = secondsBetween(askedSince, at)
  if (elapsedSeconds >= VERIFICATION_SECONDS_MAX) return { kind: 'given_up' }
  return { kind: 'again', nextAt: later(at, pauseSeconds(elapsedSeconds, PROBE_SECONDS, random)) }
}

function failureOf(outcome: DeliveryOutcome): string | undefined {
  if (outcome.kind === 'failed') return outcome.code
  if (outcome.status >= 200 && outcome.status < 300) return undefined
  return outcome.status === 410 ? 'endpoint_gone' : 'endpoint_status'
}

function failedEndpoint({ endpoint, at, random }: DeliveryFacts): FailingEndpoint {
  const failures = endpoint.failures + 1
  const failingSince = endpoint.failingSince ?? at
  if (failures < ENDPOINT_FAILURES_MAX) return { failures, failingSince, pausedUntil: undefined }
  const pause = pauseSeconds(secondsBetween(failingSince, at), PROBE_SECONDS, random)
  return { failures, failingSince, pausedUntil: later(at, pause) }
}

function disabledCode(code: string, { failingSince }: FailingEndpoint, at: Date): DisabledCode | undefined {
  if (code === 'endpoint_gone') return code
  return secondsBetween(failingSince, at) >= DELIVERY_SECONDS_MAX ? 'endpoint_failing' : undefined
}

function retryTime({ outcome, triedSince, at, random }: DeliveryFacts): Date {
  const asked = outcome.kind === 'answered' ? (outcome.retryAfterSeconds ?? 0) : 0
  return later(
    at,
    pauseSeconds(Math.max(secondsBetween(triedSince, at), asked), DELIVERY_RETRY_SECONDS, random),
  )
}

// Waiting as long again as it has failed so far doubles the pause each time without a counter.
function pauseSeconds(seconds: number, bounds: { min: number; max: number }, random: number): number {
  return Math.min(Math.max(seconds, bounds.min), bounds.max) * (1 + random / 10)
}

function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000
}

function later(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + Math.round(seconds * 1000))
}
