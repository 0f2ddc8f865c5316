import type { ClientIdUrl } from '@cimd/core'
import pg from 'pg'
import type { Bed } from './bed.ts'
import { type Summary, summarize } from './statistics.ts'
import { drive, timed } from './stopwatch.ts'
import { CONCURRENCY } from './throughput.ts'

/** The resolve of a fresh record beside one bare `select` of the same row. */
export type FreshHit = {
  readonly concurrency: number
  /** Milliseconds, one after the other. */
  readonly latency: { readonly select: Summary; readonly resolve: Summary }
  /** Per second, at `concurrency`. */
  readonly rate: { readonly select: Summary; readonly resolve: Summary }
}

export type FreshHitSize = {
  readonly sequential: number
  readonly rounds: number
  readonly requests: number
}

const SELECT = `
  select c.state, c.fresh_until, c.validated_at, v.digest, v.body, v.fetched_at
  from cimd.clients c join cimd.versions v on v.id = c.version_id
  where c.client_id = $1`

/** Measures both in turn on one record. */
export async function measureFreshHit(bed: Bed, size: FreshHitSize): Promise<FreshHit> {
  const [clientId] = bed.take(1)
  if (clientId === undefined) throw new Error('nothing was taken')
  await bed.resolve(clientId)
  await using yardstick = openYardstick(bed.pipeline.databaseUrl)
  const ways = { select: yardstick.select, resolve: bed.resolve }
  await measureLatency(clientId, ways, Math.ceil(size.sequential / 5))
  return {
    concurrency: CONCURRENCY,
    latency: await measureLatency(clientId, ways, size.sequential),
    rate: await measureRate(clientId, ways, size),
  }
}

type Ways = Readonly<Record<'select' | 'resolve', (clientId: ClientIdUrl) => Promise<void>>>

async function measureLatency(
  clientId: ClientIdUrl,
  ways: Ways,
  count: number,
): Promise<FreshHit['latency']> {
  const select: number[] = []
  const resolve: number[] = []
  for (let index = 0; index < count; index += 1) {
    select.push((await timed(() => ways.select(clientId))).ms)
    resolve.push((await timed(() => ways.resolve(clientId))).ms)
  }
  return { select: summarize(select), resolve: summarize(resolve) }
}

async function measureRate(
  clientId: ClientIdUrl,
  ways: Ways,
  { rounds, requests }: FreshHitSize,
): Promise<FreshHit['rate']> {
  const measured = { select: [] as number[], resolve: [] as number[] }
  for (let round = 0; round <= rounds; round += 1) {
    for (const way of ['select', 'resolve'] as const) {
      const ms = await drive(Array<ClientIdUrl>(requests).fill(clientId), CONCURRENCY, ways[way])
      // The first round opens connections.
      if (round > 0) measured[way].push((requests / ms) * 1000)
    }
  }
  return { select: summarize(measured.select), resolve: summarize(measured.resolve) }
}

function openYardstick(databaseUrl: string): AsyncDisposable & { select: Ways['select'] } {
  // As many connections as the api has by default.
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  return {
    select: async (clientId) => {
      const { rowCount } = await pool.query(SELECT, [clientId])
      if (rowCount !== 1) throw new Error(`${clientId} is not on record`)
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
