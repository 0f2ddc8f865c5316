/** Seconds since the simulation began, of the virtual clock. */
export type Instant = number

export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** How an origin fails while it does. */
export type Trouble = 'unreachable' | 'busy' | 'gone' | 'redirects' | 'alternates' | 'invalid'

/** When it fails: in one spell of each period, in short slots, until or from some instant on. */
export type Failing =
  | {
      readonly kind: 'spells'
      readonly trouble: Trouble
      readonly periodDays: number
      readonly seconds: readonly [min: number, max: number]
    }
  | {
      readonly kind: 'slots'
      readonly trouble: Trouble
      readonly slotSeconds: number
      readonly share: number
    }
  | { readonly kind: 'for_good'; readonly trouble: Trouble }
  | { readonly kind: 'at_first' }

/** What a new revision of the document changes: the first it names, then the next. */
export type Change = 'name' | 'white_space' | 'redirect_added' | 'redirect_removed' | 'key'

/** One kind of publisher. */
export type Kind = {
  /** Of a thousand clients. */
  readonly share: number
  readonly cacheControl?: string
  /** What remains of it when it arrives, on average, within the registrar's bounds. */
  readonly lifetimeSeconds: number
  /** A cache in front adds an Age of up to this. */
  readonly ageSeconds?: number
  /** Answers a conditional request. */
  readonly etag?: boolean
  readonly failing?: Failing
  readonly changes?: { readonly everyDays: number; readonly of: readonly Change[] }
  /** Its keys are behind a jwks_uri and rotate as often as the document changes. */
  readonly linkedKeys?: boolean
  /** All of the kind are on one host, and fail together. */
  readonly oneHost?: boolean
}

const ORDINARY = { cacheControl: 'max-age=7200', lifetimeSeconds: 2 * HOUR }
const RENAMED = { everyDays: 2, of: ['name', 'white_space'] } as const

/** Every kind of publisher of the simulation, a thousand clients together. */
export const KINDS = {
  'etag, two hours': { share: 200, ...ORDINARY, etag: true, changes: RENAMED },
  'a day': { share: 90, cacheControl: 'max-age=86400', lifetimeSeconds: DAY, changes: RENAMED },
  'no-store': { share: 10, cacheControl: 'no-store', lifetimeSeconds: 5 * MINUTE },
  'says nothing': { share: 70, lifetimeSeconds: HOUR, changes: RENAMED },
  'CDN with Age': {
    ...{ share: 70, cacheControl: 'max-age=14400', lifetimeSeconds: 3 * HOUR, ageSeconds: 2 * HOUR },
    etag: true,
  },
  'must-revalidate': {
    ...{ share: 40, cacheControl: 'max-age=1800, must-revalidate', lifetimeSeconds: 30 * MINUTE },
    etag: true,
  },
  flapping: {
    ...{ share: 50, ...ORDINARY, etag: true },
    failing: { kind: 'slots', trouble: 'unreachable', slotSeconds: 120, share: 0.2 },
  },
  outages: {
    ...{ share: 70, ...ORDINARY, etag: true, changes: RENAMED },
    failing: { kind: 'spells', trouble: 'unreachable', periodDays: 3, seconds: [HOUR, 10 * HOUR] },
  },
  'busy, Retry-After': {
    ...{ share: 30, ...ORDINARY },
    failing: { kind: 'spells', trouble: 'busy', periodDays: 2, seconds: [HOUR, 3 * HOUR] },
  },
  'redirects for hours': {
    ...{ share: 30, ...ORDINARY },
    failing: { kind: 'spells', trouble: 'redirects', periodDays: 3, seconds: [HOUR / 2, 3 * HOUR] },
  },
  '404 by mistake': {
    ...{ share: 30, ...ORDINARY, etag: true },
    failing: { kind: 'spells', trouble: 'gone', periodDays: 1, seconds: [3 * MINUTE, 12 * MINUTE] },
  },
  withdrawn: { share: 20, ...ORDINARY, failing: { kind: 'for_good', trouble: 'gone' } },
  '404 and 503 in turn': { share: 20, ...ORDINARY, failing: { kind: 'for_good', trouble: 'alternates' } },
  'invalid for good': { share: 10, ...ORDINARY, failing: { kind: 'for_good', trouble: 'invalid' } },
  'fails at first': { share: 20, ...ORDINARY, failing: { kind: 'at_first' } },
  'rotates keys': { share: 30, ...ORDINARY, changes: { everyDays: 2, of: ['key'] } },
  'rotates jwks_uri': {
    ...{ share: 30, ...ORDINARY, etag: true, linkedKeys: true },
    changes: { everyDays: 2, of: ['key'] },
  },
  'redirects come and go': {
    ...{ share: 60, ...ORDINARY, etag: true },
    changes: { everyDays: 1.5, of: ['redirect_added', 'redirect_removed'] },
  },
  'one host': {
    ...{ share: 120, cacheControl: 'max-age=21600', lifetimeSeconds: 6 * HOUR, oneHost: true },
    failing: { kind: 'spells', trouble: 'unreachable', periodDays: 3, seconds: [HOUR, 2 * HOUR] },
  },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

/** A kind by its name, as what all kinds have in common. */
export function kindOf(name: KindName): Kind {
  return KINDS[name]
}
