import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type EventsOptions, EventsRefused, events } from './events.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

describe(events, () => {
  it('reads on after each batch with its cursor, and hands each event on once', async () => {
    await using feed = await serve(
      batch('1', '2'),
      // What a feed read again would tell again.
      batch('2', '3'),
    )
    expect(await take(feed, 3)).toEqual(['1', '2', '3'])
    expect(feed.asked).toEqual([
      '/v1/events?after=0&wait_ms=50&limit=100 Bearer the-key',
      '/v1/events?after=2&wait_ms=50&limit=100 Bearer the-key',
    ])
  })

  it('begins after the cursor it is given, whatever ends the base URL', async () => {
    await using feed = await serve(batch('8'))
    expect(await take(feed, 1, { url: `${feed.url}//`, after: '7' })).toEqual(['8'])
    expect(feed.asked[0]).toContain('after=7&')
  })

  it('tries again where nothing answers, something else answers, or it is asked to wait, and tells why', async () => {
    await using feed = await serve(
      (response) => response.destroy(),
      (response) => response.end('<html>'),
      (response) => response.end('{"events":{}}'),
      (response) => response.end('{"events":[{"cursor":3}]}'),
      problem(
        503,
        { code: 'store_unavailable', title: 'The store does not answer.' },
        { 'retry-after': '0' },
      ),
      problem(429, {}, { 'retry-after': '0' }),
      batch('1'),
    )
    const told: string[] = []
    const onRetry = (why: unknown, inMs: number) => told.push(`${(why as Error).message} ${inMs}`)
    expect(await take(feed, 1, { onRetry, retryMinMs: 1 })).toEqual(['1'])
    expect(told).toEqual([
      'fetch failed 1',
      expect.stringMatching(/JSON.* 2$/),
      'the answer is no list of events 4',
      'an event of the feed has no cursor 8',
      'the feed of events answers 503: The store does not answer. 0',
      'the feed of events answers 429: no reason 0',
    ])
  })

  it.each([
    ['a key that is none', 401, { code: 'unauthorized', title: 'The API key is missing or unknown.' }],
    ['a scope that is missing', 403, { code: 'missing_scope', title: 'The API key lacks a scope.' }],
    ['a cursor that is none', 400, { code: 'bad_request', title: 'The request is not well formed.' }],
  ])('throws for %s', async (_, status, body) => {
    await using feed = await serve(problem(status, body))
    const reading = take(feed, 1)
    await expect(reading).rejects.toThrow(`answers ${status}: ${body.title}`)
    await expect(reading).rejects.toMatchObject({ status, code: body.code })
    await expect(reading).rejects.toBeInstanceOf(EventsRefused)
  })

  it('throws for a gate that refuses in words of its own', async () => {
    await using feed = await serve((response) => response.writeHead(403).end('<html>'))
    await expect(take(feed, 1)).rejects.toMatchObject({ status: 403, code: undefined })
  })

  it.each([
    ['while it waits for an event', () => {}],
    ['while it waits to try again', problem(503, {}, { 'retry-after': '20' })],
  ])('ends when it is told to %s', async (_, answer) => {
    const controller = new AbortController()
    await using feed = await serve((response, request) => {
      answer(response, request)
      setImmediate(() => controller.abort())
    })
    expect(await take(feed, 1, { signal: controller.signal, waitMs: 60_000 })).toEqual([])
    expect(await take(feed, 1, { signal: controller.signal })).toEqual([])
  })
})

async function take(
  { url }: { readonly url: string },
  count: number,
  options: Partial<EventsOptions> = {},
): Promise<string[]> {
  const cursors: string[] = []
  for await (const { cursor } of events({ url, key: 'the-key', waitMs: 50, ...options })) {
    cursors.push(cursor)
    if (cursors.length === count) break
  }
  return cursors
}

function batch(...cursors: readonly string[]): Answer {
  const told = cursors.map((cursor) => ({
    ...{
      specversion: '1.0',
      id: '0e7bb6ae-5b7c-4f8e-9a63-1c1b8ea0d9d5',
      source: '/test',
      type: 'client.discovered',
    },
    ...{ time: '2026-11-20T12:00:00Z', datacontenttype: 'application/json', data: {}, cursor },
  }))
  return (response) => response.end(JSON.stringify({ events: told, next: cursors.at(-1) }))
}

function problem(status: number, body: object, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(status, headers).end(JSON.stringify(body))
}

/** Answers each request in turn, and remembers what was asked. */
async function serve(...answers: readonly Answer[]) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const answer = answers[asked.length]
    asked.push(`${request.url} ${request.headers.authorization}`)
    answer?.(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
