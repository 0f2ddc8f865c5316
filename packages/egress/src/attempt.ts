import type { EventEmitter } from 'node:events'
import type { FetchEvidence, PhaseTimes } from '@cimd/core'
import { EgressError } from './egress-error.ts'
import { type Phase, TIMEOUT_OF_PHASE } from './map-error.ts'

type Seen = Omit<FetchEvidence, 'times'>
type Destroyable = EventEmitter & { destroy(): unknown }

/** The bounds of one fetch: its deadline, what it has opened, and what it has seen. */
export type Attempt = {
  /** Aborts when the caller gives up or the deadline strikes, with the reason of whichever came first. */
  readonly signal: AbortSignal
  phase(): Phase
  enter(phase: Phase): void
  note(seen: Partial<Seen>): void
  /** Takes over a socket or client, to be destroyed with the attempt; destroys it now if the attempt is over. */
  own<T extends Destroyable>(resource: T): T
  /** Settles as the work does, or at once when the signal aborts, whatever the work makes of the signal (FET-23). */
  race<T>(work: Promise<T>): Promise<T>
  evidence(): FetchEvidence
  end(): void
}

/** Starts the clock of one fetch. The deadline covers everything from the first DNS question to the last byte (FET-23). */
export function startAttempt(deadlineMs: number, caller: AbortSignal): Attempt {
  const control = new AbortController()
  const clock = startClock()
  const owned: Destroyable[] = []
  let seen: Seen = { addresses: [], bodyBytes: 0 }

  const strike = () => control.abort(timedOut(clock.phase(), deadlineMs))
  const giveUp = () => control.abort(caller.reason)
  const timer = setTimeout(strike, deadlineMs)
  caller.addEventListener('abort', giveUp, { once: true })

  return {
    signal: control.signal,
    phase: clock.phase,
    enter: clock.enter,
    note: (more) => {
      seen = { ...seen, ...more }
    },
    own: (resource) => {
      // Errors that matter reject what is being awaited; without a listener any other would end the process.
      resource.on('error', () => undefined)
      owned.push(resource)
      if (!control.signal.aborted) return resource
      resource.destroy()
      throw control.signal.reason
    },
    race: (work) => Promise.race([work, abortOf(control.signal)]),
    evidence: () => ({ ...seen, times: clock.times() }),
    end: () => {
      clearTimeout(timer)
      caller.removeEventListener('abort', giveUp)
      for (const resource of owned.toReversed()) resource.destroy()
    },
  }
}

type Clock = { phase(): Phase; enter(next: Phase): void; times(): PhaseTimes }

function startClock(): Clock {
  const startedAt = performance.now()
  const spent: { -readonly [K in keyof PhaseTimes]?: PhaseTimes[K] } = {}
  let current: Phase = 'dns'
  let enteredAt = startedAt
  const settle = (now: number) => {
    spent[`${current}Ms`] = now - enteredAt
  }
  return {
    phase: () => current,
    enter: (next) => {
      const now = performance.now()
      settle(now)
      current = next
      enteredAt = now
    },
    times: () => {
      const now = performance.now()
      settle(now)
      return { ...spent, totalMs: now - startedAt }
    },
  }
}

function timedOut(phase: Phase, deadlineMs: number): EgressError {
  return new EgressError(TIMEOUT_OF_PHASE[phase], `the deadline of ${deadlineMs} ms struck in phase ${phase}`)
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
