import type { Socket } from 'node:net'
import type { Attempt } from './attempt.ts'
import type { Dial } from './dial.ts'
import { EgressError } from './egress-error.ts'
import { codeOf, failureOf } from './map-error.ts'

/** A second address covers one that is down; more would let a zone turn one fetch into a port scan. */
const ADDRESSES_DIALLED_MAX = 2
/** What a first address may take of the deadline when there is a second to try. */
const FIRST_DIAL_MS_MAX = 1500

/** Connects to the first vetted address that answers, one after the other, never in parallel (FET-16). */
export async function dialInTurn(
  dial: Dial,
  target: { readonly addresses: readonly string[]; readonly port: number },
  attempt: Attempt,
): Promise<Socket> {
  const candidates = target.addresses.slice(0, ADDRESSES_DIALLED_MAX)
  const failures: EgressError[] = []
  for (const [index, address] of candidates.entries()) {
    const patienceMs = index < candidates.length - 1 ? FIRST_DIAL_MS_MAX : undefined
    attempt.note({ dialledAddress: address })
    try {
      return attempt.own(
        await dialWithin(patienceMs, attempt.signal, (signal) => dial(address, target.port, signal)),
      )
    } catch (error) {
      attempt.signal.throwIfAborted()
      failures.push(asFailure(error, address))
    }
  }
  const detail = failures.map(({ message }) => message).join('; ')
  throw new EgressError(failures.at(-1)?.code ?? 'connect_failed', detail)
}

async function dialWithin(
  patienceMs: number | undefined,
  signal: AbortSignal,
  dial: (signal: AbortSignal) => Promise<Socket>,
): Promise<Socket> {
  if (patienceMs === undefined) return await dial(signal)
  const control = new AbortController()
  const timer = setTimeout(() => {
    control.abort(new EgressError('timeout_connect', `no connection within ${patienceMs} ms`))
  }, patienceMs)
  try {
    return await dial(AbortSignal.any([signal, control.signal]))
  } catch (error) {
    throw control.signal.aborted ? control.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

function asFailure(error: unknown, address: string): EgressError {
  if (error instanceof EgressError) return new EgressError(error.code, `${address}: ${error.message}`)
  const code = failureOf(error, 'connect')
  if (code === undefined) throw error
  return new EgressError(code, `${address}: ${codeOf(error)}`, { cause: error })
}
