import { setTimeout as sleep } from 'node:timers/promises'
import { type CloudEvent, cloudEvent } from '@cimd/core'

/** An event of the feed, and the cursor to go on after it. */
export type FeedEvent = CloudEvent & { readonly cursor: string }

export type EventsOptions = {
  /** Where the api is, such as https://cimd.internal.example. */
  readonly url: string
  /** An API key with the scope `events`. */
  readonly key: string
  /** The cursor of the last event you are done with; from the beginning without. */
  readonly after?: string | undefined
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
  /** How long one request waits for an event. */
  readonly waitMs?: number
  /** How long it waits after the first failure; twice as long after each one more, up to half a minute. */
  readonly retryMinMs?: number
  /** Told of every failure that is tried again, and when. */
  readonly onRetry?: (why: unknown, inMs: number) => void
}

/** The api refuses to be read by this key or in this way; trying again would not help. */
export class EventsRefused extends Error {
  override name = 'EventsRefused'
  readonly status: number
  readonly code: string | undefined

  constructor(status: number, problem: { readonly code?: unknown; readonly title?: unknown }) {
    super(`the feed of events answers ${status}: ${String(problem.title ?? 'no reason')}`)
    this.status = status
    this.code = typeof problem.code === 'string' ? problem.code : undefined
  }
}

const WAIT_MS = 30_000
/** What an answer may take beyond the wait that was asked for. */
const SLACK_MS = 10_000
const BATCH = 100
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000

/**
 * Every event of the feed after a cursor, in order and each once, for as long as it is read: waits where there is none and
 * tries again where the api does not answer. Ends when `signal` says so. Throws `EventsRefused`.
 */
export async function* events(options: EventsOptions): AsyncGenerator<FeedEvent, void, undefined> {
  const { retryMinMs = RETRY_MIN_MS } = options
  let [after, failures] = [options.after ?? '0', 0]
  while (!isAborted(options)) {
    const read = await readBatch(options, after)
    if (read.kind === 'read') {
      failures = 0
      for (const event of read.events) {
        after = event.cursor
        yield event
      }
    } else if (!isAborted(options)) {
      const inMs = read.retryAfterMs ?? Math.min(RETRY_MAX_MS, retryMinMs * 2 ** failures)
      failures += 1
      options.onRetry?.(read.why, inMs)
      await sleep(inMs, undefined, { signal: options.signal }).catch(ignoreAbort)
    }
  }
}

function isAborted({ signal }: EventsOptions): boolean {
  return signal?.aborted ?? false
}

type Batch =
  | { readonly kind: 'read'; readonly events: readonly FeedEvent[] }
  | { readonly kind: 'failed'; readonly why: unknown; readonly retryAfterMs: number | undefined }

async function readBatch(
  { url, key, waitMs = WAIT_MS, signal }: EventsOptions,
  after: string,
): Promise<Batch> {
  const query = new URLSearchParams({ after, wait_ms: String(waitMs), limit: String(BATCH) })
  const deadline = AbortSignal.timeout(waitMs + SLACK_MS)
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}/v1/events?${query}`, {
      headers: { authorization: `Bearer ${key}`, accept: 'application/json' },
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    })
    if (response.ok) return { kind: 'read', events: feedEvents(await response.json(), after) }
    const refused = new EventsRefused(response.status, await problemOf(response))
    if (response.status < 500 && response.status !== 429) throw refused
    return { kind: 'failed', why: refused, retryAfterMs: retryAfterMs(response) }
  } catch (error) {
    if (error instanceof EventsRefused) throw error
    return { kind: 'failed', why: error, retryAfterMs: undefined }
  }
}

// A gate before the api may refuse in its own words.
async function problemOf(response: Response): Promise<object> {
  const body: unknown = await response.json().catch(() => undefined)
  return typeof body === 'object' && body !== null ? body : {}
}

function feedEvents(body: unknown, after: string): readonly FeedEvent[] {
  const { events: found } = body as { events?: unknown }
  if (!Array.isArray(found)) throw new Error('the answer is no list of events')
  return found.map(feedEvent).filter(({ cursor }) => Number(cursor) > Number(after))
}

function feedEvent(told: unknown): FeedEvent {
  const { cursor } = told as { cursor?: unknown }
  if (typeof cursor !== 'string' || !/^\d+$/.test(cursor))
    throw new Error('an event of the feed has no cursor')
  return { ...cloudEvent.parse(told), cursor }
}

function retryAfterMs({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? Math.min(seconds * 1000, RETRY_MAX_MS) : undefined
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
