import type { EventEmitter } from 'node:events'
import type { FetchEvidence, FetchPhase } from '@cimd/core'
import { FetchError } from './fetch-error.ts'
import { TIMEOUT_OF_PHASE } from './map-error.ts'
import { startPhaseClock } from './phase-clock.ts'
import { countWire } from './wire-count.ts'

type Seen = Omit<FetchEvidence, 'phase' | 'bodyBytes' | 'wireBytes' | 'times'>
type Destroyable = EventEmitter & { destroy(): unknown }

/** The bounds of one fetch: its deadline, what it has opened, and what it has seen. */
export type Attempt = {
  /** Aborts when the caller gives up, a bound is passed or the deadline strikes, with the reason of whichever came first. */
  readonly signal: AbortSignal
  phase(): FetchPhase
  enter(phase: FetchPhase): void
  note(seen: Partial<Seen>): void
  /** So many more bytes of the body. */
  arrived(bytes: number): void
  /** Ends the attempt now, for a bound that was passed where nobody awaits anything. */
  fail(error: FetchError): void
  /** Takes over a socket or client, to be destroyed with the attempt; destroys it now if the attempt is over. */
  own<T extends Destroyable>(resource: T): T
  /** Bounds what arrives from now on over a socket that counts its bytes, and keeps the count as evidence. */
  bound(socket: { readonly bytesRead: number }, bytesMax: number): void
  /** Settles as the work does, or at once when the signal aborts, whatever the work makes of the signal (FET-23). */
  race<T>(work: Promise<T>): Promise<T>
  evidence(): FetchEvidence
  end(): void
}

/** Bytes that make no event, such as those of a handshake, are counted this often. */
const WIRE_CHECK_MS = 50

/** Starts the clock of one fetch. The deadline covers everything from the first DNS question to the last byte (FET-23). */
export function startAttempt(deadlineMs: number, caller: AbortSignal): Attempt {
  const control = new AbortController()
  const clock = startPhaseClock()
  const wire = countWire()
  const owned: Destroyable[] = []
  let seen: Seen = { addresses: [] }
  let bodyBytes = 0

  const strike = () => control.abort(timedOut(clock.phase(), deadlineMs))
  const giveUp = () => control.abort(caller.reason)
  const fail = (error: FetchError) => control.abort(error)
  const timer = setTimeout(strike, deadlineMs)
  const check = setInterval(() => wire.check(clock.phase(), fail), WIRE_CHECK_MS)
  caller.addEventListener('abort', giveUp, { once: true })

  return {
    signal: control.signal,
    phase: clock.phase,
    enter: clock.enter,
    note: (more) => {
      seen = { ...seen, ...more }
    },
    arrived: (bytes) => {
      bodyBytes += bytes
    },
    fail,
    own: (resource) => {
      // Errors that matter reject what is being awaited; without a listener any other would end the process.
      resource.on('error', () => undefined)
      owned.push(resource)
      if (!control.signal.aborted) return resource
      resource.destroy()
      throw control.signal.reason
    },
    bound: wire.bound,
    race: (work) => Promise.race([work, abortOf(control.signal)]),
    evidence: () => ({ phase: clock.phase(), ...seen, bodyBytes, ...wire.evidence(), times: clock.times() }),
    end: () => {
      clearTimeout(timer)
      clearInterval(check)
      caller.removeEventListener('abort', giveUp)
      for (const resource of owned.toReversed()) resource.destroy()
    },
  }
}

function timedOut(phase: FetchPhase, deadlineMs: number): FetchError {
  return new FetchError(TIMEOUT_OF_PHASE[phase], `the deadline of ${deadlineMs} ms struck in phase ${phase}`)
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
