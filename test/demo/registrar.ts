/** One answer of the api and how long it took. */
export type Reply = { readonly status: number; readonly body: Body; readonly ms: number }

/** The members the story looks at, of every kind of answer; each is verified where it is used. */
export type Body = {
  readonly status?: string | number
  readonly ticket?: string
  readonly document?: { readonly client_name?: string; readonly redirect_uris?: readonly string[] }
  readonly freshness?: {
    readonly state: string
    readonly since?: string
    readonly until?: string
    readonly why?: string
  }
  readonly redirect_match?: { readonly matched: boolean; readonly rule?: string; readonly reason?: string }
  readonly code?: string
  readonly title?: string
  readonly advice?: string
  readonly events?: readonly Event[]
}

export type Event = {
  readonly cursor: string
  readonly type: string
  readonly subject: string
  readonly data: {
    readonly code?: string
    readonly classes?: readonly string[]
    readonly changes?: readonly Change[]
  }
}

export type Change = {
  readonly member: string
  readonly class: string
  readonly before?: unknown
  readonly after?: unknown
}

export type ResolveRequest = {
  readonly client_id: string
  readonly purpose?: 'authorize' | 'token'
  readonly subject?: string
  readonly wait_ms?: number
  readonly redirect_uri?: string
}

/** The api as an authorization server sees it. */
export type Registrar = {
  readonly resolve: (request: ResolveRequest) => Promise<Reply>
  readonly awaitTicket: (ticket: string) => Promise<Reply>
  /** The next event of a type in the feed; undefined when none comes in time. */
  readonly nextEvent: (type: string) => Promise<Event | undefined>
}

/** Far more than anything here takes; nothing waits this long unless something is wrong. */
const WAIT_MS = 30_000

/** Speaks to the api with one tenant's key; `signal` ends whatever is being waited for. */
export function connectRegistrar(baseUrl: string, key: string, signal: AbortSignal): Registrar {
  const call = async (path: string, json?: object): Promise<Reply> => {
    const startedMs = performance.now()
    const response = await fetch(new URL(path, baseUrl), {
      method: json === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, ...(json && { 'content-type': 'application/json' }) },
      ...(json && { body: JSON.stringify(json) }),
      signal,
    })
    // Every member is optional, and the story verifies what it relies on.
    const body = (await response.json()) as Body
    return { status: response.status, body, ms: performance.now() - startedMs }
  }
  return {
    resolve: (request) => call('/v1/resolve', request),
    awaitTicket: (ticket) => call(`/v1/tickets/${ticket}?wait_ms=${WAIT_MS}`),
    nextEvent: createFeedReader((after) => call(`/v1/events?after=${after}&wait_ms=${WAIT_MS}`)),
  }
}

function createFeedReader(read: (after: string) => Promise<Reply>): Registrar['nextEvent'] {
  let cursor = '0'
  return async (type) => {
    for (;;) {
      const { events = [] } = (await read(cursor)).body
      const found = events.find((event) => event.type === type)
      cursor = (found ?? events.at(-1))?.cursor ?? cursor
      if (found !== undefined || events.length === 0) return found
    }
  }
}
