import { type GuardedPost, type PostRequest, parseWebhookUrl } from '@cimd/core'
import { createGuardedRequest, type GuardedOptions, type JudgedUrl } from './guarded-request.ts'
import { readAnswer } from './read-answer.ts'

/** How webhooks are delivered. */
export type GuardedPostOptions = GuardedOptions & {
  /** Ports that a URL may name; every port by default. */
  readonly allowedPorts?: readonly number[]
  /** The most that is kept of an answer's body, where a request does not say. */
  readonly bodyBytesMax?: number
  /** Wall clock, for a Retry-After that names a date. */
  readonly nowMs?: () => number
}

/** Longer than for a fetch: receivers may do their work before they answer. */
const DEADLINE_MS = 15_000

/** Enough to recognise an error message. */
const BODY_BYTES_MAX = 1024

/**
 * The guarded POST of one delivery, by the same way as every fetch (FET-12, FET-16). The deadline covers the answer's body
 * too, which it only cuts short. Throws at once if this machine judges addresses otherwise than the day they were tested.
 */
export function createGuardedPost(options: GuardedPostOptions): GuardedPost {
  const { allowedPorts, bodyBytesMax: usualMax = BODY_BYTES_MAX, nowMs = Date.now, ...guarded } = options
  const guardedRequest = createGuardedRequest({ deadlineMs: DEADLINE_MS, ...guarded })
  return async (request, signal) => {
    const { bodyBytesMax = usualMax } = request
    const reader = readAnswer(bodyBytesMax, nowMs)
    const asking = {
      url: judgedUrl(request.url, allowedPorts),
      request: postOf(request),
      reading: { bodyBytesMax, reader },
    }
    const outcome = await guardedRequest(asking, signal)
    if (outcome.kind === 'received')
      return { kind: 'answered', ...outcome.received, evidence: outcome.evidence }
    // What broke off after the head took nothing but the rest of the body, which decides nothing.
    const answer = reader.seen()
    return answer === undefined ? outcome : { kind: 'answered', ...answer, evidence: outcome.evidence }
  }
}

function judgedUrl(raw: string, allowedPorts: readonly number[] | undefined): JudgedUrl {
  const parsed = parseWebhookUrl(raw, allowedPorts)
  return parsed.ok ? { ok: true, url: new URL(parsed.value) } : parsed
}

function postOf({ headers, body }: PostRequest) {
  const bytes = Buffer.from(body)
  return {
    method: 'POST' as const,
    accept: '*/*',
    headers: {
      'content-type': 'application/json',
      'content-length': String(bytes.byteLength),
      ...ownHeaders(headers),
    },
    body: bytes,
  }
}

const OWN_HEADERS: ReadonlySet<string> = new Set(['webhook-id', 'webhook-timestamp', 'webhook-signature'])

/** Checked as they come, whatever their type promised: a line break in a value would begin another field. */
function ownHeaders(headers: PostRequest['headers']): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (!OWN_HEADERS.has(name)) throw new TypeError(`${JSON.stringify(name)} is no field of a webhook`)
    // Without the value itself, which may be a signature.
    if (!/^[\x20-\x7e]*$/.test(value)) throw new TypeError(`the value of ${name} is not printable ASCII`)
  }
  return headers
}
