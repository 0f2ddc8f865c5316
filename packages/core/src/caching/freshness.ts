import type { CacheHeaders } from '../ports.ts'
import {
  type CacheDirectives,
  DELTA_SECONDS_MAX,
  parseCacheControl,
  parseDeltaSeconds,
  secondsOf,
} from './cache-control.ts'
import { parseHttpDate } from './http-date.ts'

/** Our own bounds on a freshness lifetime (CAC-03). */
export type FreshnessBounds = {
  readonly minSeconds: number
  /** For a response that says nothing about its lifetime. */
  readonly defaultSeconds: number
  readonly maxSeconds: number
}

export const DEFAULT_BOUNDS: FreshnessBounds = { minSeconds: 300, defaultSeconds: 3_600, maxSeconds: 86_400 }

/** How long a response may be used, and what may happen after that (CAC-02, CAC-03, CAC-10, CAC-13). */
export type Freshness = {
  readonly freshForSeconds: number
  /** After freshness: how long the record may still be the answer while a refresh runs. */
  readonly staleWhileRevalidateSeconds: number
  /** After freshness: how long the origin lets the record be used where it cannot be reached; `undefined` if it does not say. */
  readonly staleIfErrorSeconds: number | undefined
  /** The origin forbids any use once the response is stale, also where it cannot be reached (CAC-13). */
  readonly staleForbidden: boolean
}

export type FreshnessInput = {
  readonly headers: CacheHeaders
  /** Database time at which the response was complete. */
  readonly receivedAt: Date
  readonly responseDelaySeconds: number
}

// Unless the origin says otherwise a refresh may run this long behind the old answer: the time a removed redirect lives on (CHG-08).
const STALE_WHILE_REVALIDATE_SECONDS = 600
// RFC 9111 section 4.2.2 names a tenth as the customary share.
const HEURISTIC_SHARE = 0.1

/**
 * Freshness by RFC 9111 as a shared cache, then within our bounds (CAC-02, CAC-03, CAC-08 to CAC-11, CAC-15). What may
 * not be reused at all is used for the minimum, which the draft allows, and not a second longer.
 */
export function freshnessOf(input: FreshnessInput, bounds: FreshnessBounds = DEFAULT_BOUNDS): Freshness {
  const directives = directivesOf(input.headers)
  const restricted = isRestricted(directives, input.headers)
  const freshForSeconds = restricted
    ? bounds.minSeconds
    : clamp(remainingSeconds(directives, input, bounds), bounds)
  const staleForbidden = restricted || FORBID_STALE.some((name) => directives.has(name))
  const origin = secondsOf(directives, 'stale-while-revalidate')
  const allowed = origin ?? Math.min(freshForSeconds, STALE_WHILE_REVALIDATE_SECONDS)
  return {
    freshForSeconds,
    staleWhileRevalidateSeconds: staleForbidden ? 0 : Math.min(allowed, bounds.maxSeconds),
    staleIfErrorSeconds: staleForbidden ? undefined : secondsOf(directives, 'stale-if-error'),
    staleForbidden,
  }
}

// A field name after `private` or `no-cache` narrows it to that field; read as if it stood alone, which RFC 9111 permits.
const FORBID_REUSE = ['no-store', 'no-cache', 'private']
const FORBID_STALE = ['must-revalidate', 'proxy-revalidate', 's-maxage']

function directivesOf(headers: CacheHeaders): CacheDirectives {
  // Pragma speaks only where Cache-Control is silent (CAC-15).
  return parseCacheControl(headers['cache-control'] ?? headers.pragma ?? [])
}

function isRestricted(directives: CacheDirectives, headers: CacheHeaders): boolean {
  const variesOnAll = (headers.vary ?? []).some((line) => line.split(',').some((name) => name.trim() === '*'))
  return variesOnAll || FORBID_REUSE.some((name) => directives.has(name))
}

function remainingSeconds(
  directives: CacheDirectives,
  input: FreshnessInput,
  bounds: FreshnessBounds,
): number {
  const lifetime = lifetimeSeconds(directives, input)
  // Age is measured against the origin's lifetime; where it gave none, ours begins with the receipt.
  return lifetime === undefined ? bounds.defaultSeconds : lifetime - ageSeconds(input)
}

function lifetimeSeconds(directives: CacheDirectives, input: FreshnessInput): number | undefined {
  return (
    secondsOf(directives, 's-maxage') ??
    secondsOf(directives, 'max-age') ??
    expiresSeconds(input) ??
    heuristicSeconds(input)
  )
}

function expiresSeconds(input: FreshnessInput): number | undefined {
  const lines = input.headers.expires
  if (lines === undefined || lines.length === 0) return undefined
  const from = dateOf(input) ?? input.receivedAt.getTime()
  const lifetimes = lines.map((line) => secondsBetween(from, parseHttpDate(line.trim()) ?? from))
  return lifetimes.reduce((a, b) => Math.min(a, b))
}

function heuristicSeconds(input: FreshnessInput): number | undefined {
  const modified = parseHttpDate(input.headers['last-modified']?.[0]?.trim() ?? '')
  if (modified === undefined) return undefined
  // A Date in the future would lengthen the guess.
  const received = input.receivedAt.getTime()
  const from = Math.min(dateOf(input) ?? received, received)
  return Math.floor(secondsBetween(modified, from) * HEURISTIC_SHARE)
}

function ageSeconds(input: FreshnessInput): number {
  const received = input.receivedAt.getTime()
  // A Date in the future makes no age, and never a negative one (CAC-09).
  const apparent = secondsBetween(dateOf(input) ?? received, received)
  const line = input.headers.age?.[0]?.split(',', 1)[0] ?? ''
  const declared = parseDeltaSeconds(line.trim()) ?? 0
  return Math.max(apparent, declared + Math.max(0, input.responseDelaySeconds))
}

function dateOf(input: FreshnessInput): number | undefined {
  return parseHttpDate(input.headers.date?.[0]?.trim() ?? '')
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.min(Math.max(0, Math.floor((toMs - fromMs) / 1_000)), DELTA_SECONDS_MAX)
}

function clamp(seconds: number, { minSeconds, maxSeconds }: FreshnessBounds): number {
  return Math.min(Math.max(Math.floor(seconds), minSeconds), maxSeconds)
}
