import { isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { FetchEvidence, FetchFailed, Violation } from '@cimd/core'
import { type Attempt, startAttempt } from './attempt.ts'
import { type AddressPolicy, type ClassifyAddress, createClassifier } from './classify-address.ts'
import { type Dial, dialTcp } from './dial.ts'
import { dialInTurn } from './dial-in-turn.ts'
import { FetchError } from './fetch-error.ts'
import { createTrust, shakeHands } from './handshake.ts'
import { codeOf, failureOf, nameOf } from './map-error.ts'
import type { Reading } from './receive.ts'
import { type OutgoingRequest, sendRequest } from './request.ts'
import { createResolver, type Resolve } from './resolve.ts'
import { assertAddressesJudged } from './self-test.ts'
import { ADDRESSES_MAX, type VettedAddress, vetAddresses } from './vet-addresses.ts'

/** How strangers are asked; everything but the user agent has a default that is safe in production. */
export type GuardedOptions = {
  /** Sent to everybody (FET-25): name, version and a contact URL. */
  readonly userAgent: string
  readonly resolve?: Resolve
  readonly dial?: Dial
  readonly addresses?: AddressPolicy
  /** PEM certificates to trust instead of the public authorities Node ships. */
  readonly ca?: string | readonly string[]
  /** Over everything, from the first DNS question to the last byte (FET-23). */
  readonly deadlineMs?: number
  readonly headerBytesMax?: number
  /** Development only (FET-14, FET-15): admits exactly 127.0.0.0/8 and ::1. */
  readonly dangerouslyAllowLoopback?: boolean
}

/** A URL that core has judged. */
export type JudgedUrl =
  | { readonly ok: true; readonly url: URL }
  | ({ readonly ok: false } & Pick<Violation, 'code' | 'detail'>)

/** One request, and what is made of the response to it. */
export type Asking<Received> = {
  readonly url: JudgedUrl
  readonly request: Omit<OutgoingRequest, 'url'>
  readonly reading: Reading<Received>
}

/** Rejects only with the reason of `signal`, or for a bug: what a stranger causes is a value. */
export type GuardedRequest = <Received>(
  asking: Asking<Received>,
  signal: AbortSignal,
) => Promise<
  { readonly kind: 'received'; readonly received: Received; readonly evidence: FetchEvidence } | FetchFailed
>

type Settings = Required<Omit<GuardedOptions, 'addresses' | 'ca'>> & {
  readonly classify: ClassifyAddress
  readonly trust: SecureContext
}

/** What a connection may carry besides twice the body: handshake, headers, framing. */
const OVERHEAD_BYTES_MAX = 65_536

/**
 * The one way to a stranger: resolve, judge every address, dial what was judged, TLS by name, one request, one response
 * within bounds, one deadline over all of it (FET-12, FET-16, FET-23). Throws at once if this machine judges addresses
 * otherwise than the day they were tested.
 */
export function createGuardedRequest(options: GuardedOptions & { deadlineMs: number }): GuardedRequest {
  assertAddressesJudged()
  const settings = settingsOf(options)
  return async (asking, signal) => {
    signal.throwIfAborted()
    const attempt = startAttempt(settings.deadlineMs, signal)
    try {
      const received = await attempt.race(requestOnce(settings, asking, attempt))
      return { kind: 'received', received, evidence: attempt.evidence() }
    } catch (error) {
      signal.throwIfAborted()
      // Once the deadline has struck, errors are only its echoes.
      return failed(attempt.signal.aborted ? attempt.signal.reason : error, attempt)
    } finally {
      attempt.end()
    }
  }
}

function settingsOf({ addresses, ca, ...given }: GuardedOptions & { deadlineMs: number }): Settings {
  return {
    resolve: createResolver(),
    dial: dialTcp,
    headerBytesMax: 8192,
    dangerouslyAllowLoopback: false,
    ...given,
    classify: createClassifier(addresses),
    trust: createTrust(ca),
  }
}

async function requestOnce<Received>(
  settings: Settings,
  { url: judged, request, reading }: Asking<Received>,
  attempt: Attempt,
): Promise<Received> {
  if (!judged.ok) throw new FetchError(judged.code, judged.detail)
  const { url } = judged
  const host = url.hostname.replace(/^\[|\]$/g, '')

  attempt.enter('dns')
  const addresses = await addressesOf(host, settings, attempt)

  attempt.enter('connect')
  const port = url.port === '' ? 443 : Number(url.port)
  const socket = await dialInTurn(settings.dial, { addresses, port }, attempt)
  attempt.bound(socket, OVERHEAD_BYTES_MAX + 2 * reading.bodyBytesMax)

  attempt.enter('tls')
  const secure = await shakeHands(socket, { host, trust: settings.trust }, attempt)

  attempt.enter('headers')
  return await sendRequest(secure, { ...settings, ...request, url }, reading, attempt)
}

/** A literal is not resolved but vetted like any answer: resolvers pass literals through unseen. */
async function addressesOf(
  host: string,
  { resolve, classify, dangerouslyAllowLoopback }: Settings,
  attempt: Attempt,
): Promise<readonly VettedAddress[]> {
  const addresses = isIP(host) === 0 ? await resolve(host, attempt.signal) : [host]
  attempt.note({ addresses: addresses.slice(0, ADDRESSES_MAX) })
  return vetAddresses(addresses, classify, dangerouslyAllowLoopback)
}

/** Turns what a stranger caused into a value, and lets everything else through as the bug or fault it is. */
function failed(error: unknown, attempt: Attempt): FetchFailed {
  const failure = asFailure(error, attempt)
  if (failure === undefined) throw error
  const { code, message: detail, retryAfterSeconds } = failure
  return {
    kind: 'failed',
    code,
    detail,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    evidence: attempt.evidence(),
  }
}

function asFailure(error: unknown, attempt: Attempt): FetchError | undefined {
  if (error instanceof FetchError) return error
  const code = failureOf(error, attempt.phase())
  return code === undefined
    ? undefined
    : new FetchError(code, `${codeOf(error) ?? nameOf(error)} in phase ${attempt.phase()}`, { cause: error })
}
