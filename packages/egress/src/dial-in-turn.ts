import { isIPv6, type Socket } from 'node:net'
import type { Attempt } from './attempt.ts'
import type { Dial } from './dial.ts'
import { FetchError } from './fetch-error.ts'
import { codeOf, failureOf } from './map-error.ts'
import type { VettedAddress } from './vet-addresses.ts'

/** What a first address may take of the deadline when there is a second to try. */
const FIRST_DIAL_MS_MAX = 1500

/** Connects to the first vetted address that answers, one after the other, never in parallel (FET-16). */
export async function dialInTurn(
  dial: Dial,
  target: { readonly addresses: readonly VettedAddress[]; readonly port: number },
  attempt: Attempt,
): Promise<Socket> {
  const candidates = candidatesOf(target.addresses)
  const failures: FetchError[] = []
  for (const [index, candidate] of candidates.entries()) {
    const patienceMs = index < candidates.length - 1 ? FIRST_DIAL_MS_MAX : undefined
    attempt.note({ dialledAddress: candidate.address, dialledClass: candidate.class })
    try {
      const connect = (signal: AbortSignal) => dial(candidate.address, target.port, signal)
      return attempt.own(await dialWithin(patienceMs, attempt.signal, connect))
    } catch (error) {
      attempt.signal.throwIfAborted()
      failures.push(asFailure(error, candidate.address))
    }
  }
  const detail = failures.map(({ message }) => message).join('; ')
  // That two layers of the deployment disagree must be heard, whatever came of the other address.
  const told = failures.find(({ code }) => code === 'egress_denied') ?? failures.at(-1)
  throw new FetchError(told?.code ?? 'connect_failed', detail, { phase: 'connect', cause: told?.cause })
}

/**
 * Two at most: a second address covers one that is down, more would let a zone turn one fetch into a port scan. The
 * second is of the other family if there is one, for networks on which a whole family leads nowhere.
 */
function candidatesOf([first, ...others]: readonly VettedAddress[]): readonly VettedAddress[] {
  if (first === undefined) return []
  const second = others.find(({ address }) => isIPv6(address) !== isIPv6(first.address)) ?? others[0]
  return second === undefined ? [first] : [first, second]
}

async function dialWithin(
  patienceMs: number | undefined,
  signal: AbortSignal,
  dial: (signal: AbortSignal) => Promise<Socket>,
): Promise<Socket> {
  if (patienceMs === undefined) return await dial(signal)
  const control = new AbortController()
  const timer = setTimeout(() => {
    control.abort(new FetchError('timeout_connect', `no connection within ${patienceMs} ms`))
  }, patienceMs)
  try {
    return await dial(AbortSignal.any([signal, control.signal]))
  } catch (error) {
    throw control.signal.aborted ? control.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

function asFailure(error: unknown, address: string): FetchError {
  if (error instanceof FetchError) return new FetchError(error.code, `${address}: ${error.message}`)
  const code = failureOf(error, 'connect')
  if (code === undefined) throw error
  return new FetchError(code, `${address}: ${codeOf(error)}`, { phase: 'connect', cause: error })
}
