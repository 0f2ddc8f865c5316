import { createHash } from 'node:crypto'
import type { Evidence } from './evidence.ts'

// A run in which nothing went wrong, small enough to be looked through: one client, found and changed once, one tenant.

export const T0 = 1_795_000_000_000
export const TENANT = 'first'
export const CLIENT = 'https://publisher.example.net/client.json'

/** What is published first, and what replaces it. */
export const OLDER = documentOf('A client')
export const NEWER = documentOf('Another name')

function documentOf(name: string) {
  const text = JSON.stringify({ client_id: CLIENT, client_name: name })
  return { text, digest: createHash('sha256').update(text).digest('hex') }
}

/** What such a run leaves behind. */
export function quietRun(): Evidence {
  const documents = [OLDER, NEWER]
  const clients = [
    {
      clientId: CLIENT,
      wanted: 2,
      done: 2,
      claimed: null,
      eventSeq: 2,
      digest: NEWER.digest,
      state: 'valid',
    },
  ]
  const attempts = documents.map(({ digest, text }, nth) => ({
    ...{
      clientId: CLIENT,
      generation: nth + 1,
      outcome: 'fetched',
      applied: true,
      failureCode: null,
      digest,
    },
    ...{ startedAt: new Date(T0 + 100 + 500 * nth), finishedAt: new Date(T0 + 200 + 500 * nth) },
    evidence: {
      ...{ phase: 'body', status: 200, bodyBytes: text.length },
      contentType: `application/json; hit=${nth + 1}`,
    },
  }))
  const events = [
    { id: 'event-1', type: 'client.discovered', data: { digest: OLDER.digest } },
    {
      id: 'event-2',
      type: 'client.metadata_changed',
      data: { from_digest: OLDER.digest, to_digest: NEWER.digest },
    },
  ]
  return {
    publications: new Map([
      [CLIENT, documents.map((document, nth) => ({ at: T0 + 450 * nth, ...document }))],
    ]),
    hits: documents.map(({ digest, text }, nth) => ({
      ...{ number: nth + 1, clientId: CLIENT, resource: 'document', at: T0 + 120 + 500 * nth },
      ...{ fetcher: 'fetcher-1.1', status: 200, digest, bodyBytes: text.length },
    })),
    demands: (['resolve', 'refresh'] as const).map((kind, nth) => ({
      ...{ tenant: TENANT, clientId: CLIENT, kind, calls: 1, ticketsLost: [] },
      ...{ at: T0 + 50 + 500 * nth, takenAt: T0 + 50 + 500 * nth },
      end: { at: T0 + 300 + 500 * nth, kind: 'ready', digest: documents[nth]?.digest ?? '' },
    })),
    received: new Map([
      [
        TENANT,
        events.map((event, nth) => ({
          ...{ ...event, at: T0 + 310 + 500 * nth, cursor: nth + 1, subject: CLIENT, clientseq: nth + 1 },
        })),
      ],
    ]),
    lives: (['killed', 'stopped'] as const).map((end) => ({
      ...{ id: `scheduler.${end}`, service: 'scheduler', from: T0, until: T0 + 60, end },
      exitCode: end === 'stopped' ? 0 : undefined,
    })),
    turns: [
      ...[{ fault: 'kill -9 fetcher', from: T0, until: T0 + 1000, times: 1 }].map((turn) => ({
        ...{ ...turn, disturbsStore: false, endsServices: false },
      })),
    ],
    clockSteps: [],
    webhooks: { subscriptions: [{ id: 'hook', tenant: TENANT, types: ['client.dormant'] }], received: [] },
    rest: { clients, attempts },
    records: {
      ...{ clients, attempts },
      versions: documents.map(({ text, digest }) => ({ clientId: CLIENT, digest, body: text })),
      outbox: events.map((event, nth) => ({ ...event, clientId: CLIENT, clientSeq: nth + 1, relayed: true })),
      feed: events.map(({ id }, nth) => ({ tenant: TENANT, position: nth + 1, id })),
      interest: [{ tenant: TENANT, clientId: CLIENT, sinceSeq: 0 }],
    },
  }
}
