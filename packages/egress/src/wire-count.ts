import type { FailureCode, FetchPhase } from '@cimd/core'
import { FetchError } from './fetch-error.ts'

type Counting = { readonly bytesRead: number }

/** The bytes of one connection, as the operating system delivered them. */
export type WireCount = {
  bound(socket: Counting, bytesMax: number): void
  /** Fails the attempt if more arrived than may. */
  check(phase: FetchPhase, fail: (error: FetchError) => void): void
  evidence(): { readonly wireBytes?: number }
}

/** Anybody on the way may have sent them, also once the certificate is verified: they are nobody's word (FET-24). */
const EXCEEDED_IN_PHASE: Readonly<Record<FetchPhase, FailureCode>> = {
  url: 'connect_failed',
  dns: 'connect_failed',
  connect: 'connect_failed',
  tls: 'tls_failed',
  headers: 'tls_failed',
  body: 'tls_failed',
}

/**
 * Counts nothing until a socket is bound, and nothing that came over it before, such as the answer of a proxy; one more
 * than the bound of a body may be read before it is noticed.
 */
export function countWire(): WireCount {
  let counted:
    | { readonly socket: Counting; readonly bytesBefore: number; readonly bytesMax: number }
    | undefined
  return {
    bound: (socket, bytesMax) => {
      const bytesBefore = socket.bytesRead
      counted = { socket, bytesBefore, bytesMax: bytesBefore + bytesMax }
    },
    check: (phase, fail) => {
      if (counted === undefined || counted.socket.bytesRead <= counted.bytesMax) return
      const bytesMax = counted.bytesMax - counted.bytesBefore
      fail(new FetchError(EXCEEDED_IN_PHASE[phase], `more than ${bytesMax} bytes came over the connection`))
    },
    evidence: () =>
      counted === undefined ? {} : { wireBytes: counted.socket.bytesRead - counted.bytesBefore },
  }
}
