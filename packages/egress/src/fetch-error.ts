import { FAILURES, type FailureCode, type FetchPhase } from '@cimd/core'

type Extra = {
  readonly phase?: FetchPhase | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly cause?: unknown
}

/**
 * A failure of the origin, or of what leads to it, on its way up to the result; it never leaves the guarded fetch, save
 * from a `Resolve` or `Dial`. What it carries of `phase` and cause is for whoever uses those alone.
 */
export class FetchError extends Error {
  override name = 'FetchError'
  readonly code: FailureCode
  readonly phase: FetchPhase | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: FailureCode, detail: string, extra: Extra = {}) {
    super(detail, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.phase = extra.phase
    this.retryAfterSeconds = extra.retryAfterSeconds
  }

  /** Whether the same fetch can succeed later with nothing changed by the publisher. */
  get retryable(): boolean {
    return FAILURES[this.code].retryable
  }
}
