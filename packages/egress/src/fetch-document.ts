import { isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import {
  DOCUMENT_BYTES_MAX,
  type FetchDocument,
  type FetchResult,
  judgeResponse,
  type Validators,
} from '@cimd/core'
import { type Attempt, startAttempt } from './attempt.ts'
import { type Dial, dialTcp } from './dial.ts'
import { dialInTurn } from './dial-in-turn.ts'
import { EgressError } from './egress-error.ts'
import { createTrust, shakeHands } from './handshake.ts'
import { cacheHeaders } from './header-lines.ts'
import { codeOf, failureOf } from './map-error.ts'
import { readBody } from './read-body.ts'
import { sendRequest } from './request.ts'
import { createResolver, type Resolve } from './resolve.ts'
import { ADDRESSES_MAX, vetAddresses } from './vet-addresses.ts'

/** How documents are fetched; everything but the user agent has a default that is safe in production. */
export type FetchDocumentOptions = {
  /** Sent to every origin (FET-25): name, version and a contact URL. */
  readonly userAgent: string
  readonly resolve?: Resolve
  readonly dial?: Dial
  /** PEM certificates to trust instead of the public authorities Node ships. */
  readonly ca?: string | readonly string[]
  /** Over everything, from the first DNS question to the last byte (FET-23). */
  readonly deadlineMs?: number
  readonly bodyBytesMax?: number
  readonly headerBytesMax?: number
  /** Development only (FET-14, FET-15): admits exactly 127.0.0.0/8 and ::1. */
  readonly dangerouslyAllowLoopback?: boolean
  /** Wall clock, for a Retry-After that names a date. */
  readonly nowMs?: () => number
}

type Settings = Required<Omit<FetchDocumentOptions, 'ca'>> & { readonly trust: SecureContext }
type Request = { readonly url: string; readonly validators?: Validators }

/** The guarded GET of one client metadata document (FET-04, FET-05, FET-12, FET-16). */
export function createFetchDocument(options: FetchDocumentOptions): FetchDocument {
  const { ca, ...given } = options
  const settings: Settings = {
    resolve: createResolver(),
    dial: dialTcp,
    deadlineMs: 5000,
    bodyBytesMax: DOCUMENT_BYTES_MAX,
    headerBytesMax: 8192,
    dangerouslyAllowLoopback: false,
    nowMs: Date.now,
    ...given,
    trust: createTrust(ca),
  }
  return async (request, signal) => {
    signal.throwIfAborted()
    const attempt = startAttempt(settings.deadlineMs, signal)
    try {
      return await attempt.race(fetchOnce(settings, request, attempt))
    } catch (error) {
      signal.throwIfAborted()
      // Once the deadline has struck, errors are only its echoes.
      return failed(attempt.signal.aborted ? attempt.signal.reason : error, attempt)
    } finally {
      attempt.end()
    }
  }
}

async function fetchOnce(settings: Settings, request: Request, attempt: Attempt): Promise<FetchResult> {
  const url = new URL(request.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const validators = request.validators ?? {}
  const validatorsSent = validators.etag !== undefined || validators.lastModified !== undefined

  attempt.enter('dns')
  const addresses = await addressesOf(host, settings.resolve, attempt)
  vetAddresses(addresses, settings.dangerouslyAllowLoopback)

  attempt.enter('connect')
  const port = url.port === '' ? 443 : Number(url.port)
  const socket = await dialInTurn(settings.dial, { addresses, port }, attempt)

  attempt.enter('tls')
  const secure = await shakeHands(socket, { host, trust: settings.trust }, attempt)

  attempt.enter('headers')
  const response = await sendRequest(secure, { ...settings, url, validators }, attempt)
  const headers = cacheHeaders(response.headers)
  const { bodyBytesMax } = settings
  const verdict = judgeResponse(response, { validatorsSent, bodyBytesMax, nowMs: settings.nowMs() })
  if (verdict.kind === 'not_modified') return { ...verdict, headers, evidence: attempt.evidence() }
  if (verdict.kind === 'failed') throw new EgressError(verdict.code, verdict.detail, verdict)
  const { contentType } = verdict
  attempt.note({ contentType })

  attempt.enter('body')
  const body = await readBody(response.body, bodyBytesMax, attempt)
  return { kind: 'fetched', body, contentType, headers, evidence: attempt.evidence() }
}

/** A literal is not resolved but vetted like any answer: resolvers pass literals through unseen. */
async function addressesOf(host: string, resolve: Resolve, attempt: Attempt): Promise<readonly string[]> {
  const addresses = isIP(host) === 0 ? await resolve(host, attempt.signal) : [host]
  attempt.note({ addresses: addresses.slice(0, ADDRESSES_MAX) })
  return addresses
}

/** Turns what an origin caused into a value, and lets everything else through as the bug or fault it is. */
function failed(error: unknown, attempt: Attempt): FetchResult {
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

function asFailure(error: unknown, attempt: Attempt): EgressError | undefined {
  if (error instanceof EgressError) return error
  const code = failureOf(error, attempt.phase())
  return code === undefined
    ? undefined
    : new EgressError(code, `${codeOf(error)} in phase ${attempt.phase()}`)
}
