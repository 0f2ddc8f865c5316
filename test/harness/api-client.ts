/** An answer of the api: status, headers and body as they came. */
export type ApiAnswer = {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever came, field by field
  readonly body: any
}

/** The calls an authorization server makes. */
export type ApiClient = {
  readonly key: string
  readonly resolve: (request: Record<string, unknown>) => Promise<ApiAnswer>
  readonly refresh: (request: Record<string, unknown>) => Promise<ApiAnswer>
  readonly refreshKeys: (request: Record<string, unknown>) => Promise<ApiAnswer>
  readonly ticket: (id: string, waitMs?: number) => Promise<ApiAnswer>
  /** All that the tenant may know of a client. */
  readonly client: (clientId: string) => Promise<ApiAnswer>
  readonly events: (after: number | string, waitMs?: number) => Promise<ApiAnswer>
  /** Any other request, with the key unless `headers` says otherwise. */
  readonly request: (path: string, init?: RequestInit) => Promise<ApiAnswer>
}

export function createApiClient(baseUrl: () => string, key: string): ApiClient {
  const request = async (path: string, init: RequestInit = {}): Promise<ApiAnswer> => {
    const headers = { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) }
    const response = await fetch(`${baseUrl()}${path}`, { ...init, headers })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
  const post = (path: string, body: Record<string, unknown>): Promise<ApiAnswer> =>
    request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return {
    key,
    resolve: (body) => post('/v1/resolve', { subject: 'alice', wait_ms: 20_000, ...body }),
    refresh: (body) => post('/v1/refresh', { subject: 'alice', ...body }),
    refreshKeys: (body) => post('/v1/client/keys/refresh', { wait_ms: 20_000, ...body }),
    ticket: (id, waitMs = 0) => request(`/v1/tickets/${id}?wait_ms=${waitMs}`),
    client: (clientId) => request(`/v1/client?client_id=${encodeURIComponent(clientId)}`),
    events: (after, waitMs = 0) => request(`/v1/events?after=${after}&wait_ms=${waitMs}`),
    request,
  }
}
