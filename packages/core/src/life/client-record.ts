import type { FailureCode } from '../failure/failure.ts'
import type { Quarantine } from './quarantine.ts'

/**
 * Where a client stands. `discovering`: no document of it was ever valid. `valid`: the newest attempt was.
 * `failing`: the newest was not, and the last valid version is kept (CAC-07). `withdrawn` and `rejected`: the
 * publisher took it back, or made it invalid, and did not correct that in time (CAC-14).
 */
export type ClientState = 'discovering' | 'valid' | 'failing' | 'withdrawn' | 'rejected'

/** Whether the publisher's word was carried out: no lifetime makes such a client usable. */
export function isGone(state: ClientState): boolean {
  return state === 'withdrawn' || state === 'rejected'
}

/** What is known of a client apart from the document itself. Instants are the database's (`cimd_now()`). */
export type ClientStanding = {
  readonly state: ClientState
  /** Undefined until a document was valid. */
  readonly digest: string | undefined
  /** When the origin last confirmed the current version, by 200 or 304. */
  readonly validatedAt: Date | undefined
  readonly freshUntil: Date | undefined
  /** Until then a stale version is answered at once while its refresh runs (RFC 5861 section 3). */
  readonly revalidateUntil: Date | undefined
  /** The origin forbade any stale use (RFC 9111 section 4.2.4). */
  readonly staleForbidden: boolean
  /** How long after freshness the origin lets an outage last; `undefined` if it did not say (RFC 5861 section 4). */
  readonly staleIfErrorSeconds: number | undefined
  /** From then on the current version must not be used, fresh or stale. */
  readonly usableUntil: Date | undefined
  /** The newest failure and the first of the present run of failures. */
  readonly failure: { readonly code: FailureCode; readonly since: Date } | undefined
  /** The publisher's first word that the document is gone or invalid, not yet taken back. */
  readonly withdrawing: { readonly code: FailureCode; readonly since: Date } | undefined
  /** Before then a failing client is not tried again for the sake of a refresh (CAC-06). */
  readonly retryAt: Date | undefined
  /** Why subscribers were told that the version is stale; undefined unless they still wait to hear that it has recovered. */
  readonly staleAnnounced: FailureCode | undefined
  /** It is set aside, since it killed the process that worked it alone. Beside its state, which says what may be used. */
  readonly quarantine: Quarantine | undefined
}

/** The standing of a client nobody has fetched yet. */
export const UNKNOWN_STANDING: ClientStanding = {
  state: 'discovering',
  digest: undefined,
  validatedAt: undefined,
  freshUntil: undefined,
  revalidateUntil: undefined,
  staleForbidden: false,
  staleIfErrorSeconds: undefined,
  usableUntil: undefined,
  failure: undefined,
  withdrawing: undefined,
  retryAt: undefined,
  staleAnnounced: undefined,
  quarantine: undefined,
}
