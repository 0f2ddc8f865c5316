import type { Purpose } from '@cimd/core'

/** What of a request decides what is told, and kept, beside the document. */
export type Asked = {
  /** As it was presented. */
  readonly clientId: string
  readonly purpose: Purpose
  readonly redirectUri: string | undefined
  /** BCP 47 tags, the user's first choice first. */
  readonly languages: readonly string[]
  /** A user has logged in, or the key may demand without one; or it is the answer to such a demand. */
  readonly decides: boolean
}
