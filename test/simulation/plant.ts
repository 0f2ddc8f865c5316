import { createHash } from 'node:crypto'
import { documentAt } from './documents.ts'
import type { ClientEvidence, Evidence, OriginRequest, ResolveAnswer } from './evidence.ts'
import { DAY, HOUR, type Instant, type KindName, MINUTE } from './kinds.ts'
import { type Client, populate, type Settings } from './population.ts'

// Evidence of a small world in which all was kept, for the tests of the checks to break one thing of.

const SETTINGS: Settings = { seed: 1, clients: 1000, days: 3, canaries: 4 }
const REFRESHED_SECONDS = 2 * HOUR * 0.9

/** A hot client of a kind. */
export function hotClient(name: KindName): Client {
  const found = populate(SETTINGS).find(({ kindName, hot, canary }) => kindName === name && hot && !canary)
  if (found === undefined) throw new Error(`no client of the kind ${name}`)
  return found
}

/** What its document was at an instant, as its origin answers with it. */
export function servedAt(client: Client, at: Instant, texts: Map<string, string>): OriginRequest {
  const { text } = documentAt(client, at)
  const digest = createHash('sha256').update(text).digest('hex')
  texts.set(digest, text)
  return { at, status: 200, digest }
}

/** A client that was refreshed in time, answered each half hour and heard of every change. */
export function keptClient(client: Client, texts: Map<string, string>): ClientEvidence {
  const requests: OriginRequest[] = []
  for (let at = client.beginsAt; at < SETTINGS.days * DAY; at += REFRESHED_SECONDS) {
    requests.push(servedAt(client, at, texts))
  }
  const digestAt = (at: Instant) => requests.findLast((request) => request.at <= at)?.digest ?? ''
  const answers: ResolveAnswer[] = []
  for (let from = client.beginsAt + MINUTE; from < SETTINGS.days * DAY; from += HOUR / 2) {
    const ready = { kind: 'ready', freshness: 'fresh', digest: digestAt(from) } as const
    answers.push({ from, until: from + 1, tenant: 0, ...ready })
  }
  const at = 2 * DAY
  const lastAt = requests.findLast((request) => request.at <= at)?.at
  return {
    ...{
      client,
      requests,
      keyRequests: [],
      answers,
      versions: new Set(requests.flatMap((one) => one.digest ?? [])),
    },
    states: [
      {
        ...{
          clientId: client.clientId,
          at,
          state: 'valid',
          digest: digestAt(at),
          reason: undefined,
          inUse: true,
        },
        ...{ validatedAt: lastAt, attemptedAt: lastAt, lastResolvedAt: at },
      },
    ],
    heard: [[], []],
  }
}

/** Evidence of these clients; the fault was planted and released as it should be. */
export function evidenceOf(clients: readonly ClientEvidence[], texts: ReadonlyMap<string, string>): Evidence {
  const from = DAY + 10 * HOUR
  return {
    ...{ settings: SETTINGS, stepSeconds: MINUTE, refreshesPerMinute: 60, clients, texts },
    fault: {
      ...{
        from,
        until: from + 2 * HOUR,
        engagedAt: from + MINUTE,
        releasedAt: from + 2.5 * HOUR,
        released: 1,
      },
    },
  }
}
