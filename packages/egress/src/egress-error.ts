import type { FailureCode } from '@cimd/core'

type Extra = { readonly retryAfterSeconds?: number | undefined; readonly cause?: unknown }

/** A failure of the origin on its way up to the result; it never leaves `fetchDocument`, save from a `Resolve` or `Dial`. */
export class EgressError extends Error {
  override name = 'EgressError'
  readonly code: FailureCode
  readonly retryAfterSeconds: number | undefined

  constructor(code: FailureCode, detail: string, extra: Extra = {}) {
    super(detail, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.retryAfterSeconds = extra.retryAfterSeconds
  }
}
