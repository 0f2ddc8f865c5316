import type { ClientIdUrl } from '@cimd/core'
import { ensureTenant } from '@cimd/store'
import { sql } from 'kysely'
import { quantile } from '../bench/statistics.ts'
import { timed } from '../bench/stopwatch.ts'
import type { ApiClient } from '../harness/api-client.ts'
import type { Pipeline } from '../harness/pipeline.ts'
import { clientIdAt } from './documents.ts'
import { flood } from './flood.ts'

export type FairnessSize = {
  /** Demands of the flood. */
  readonly flood: number
  /** First contacts of the other tenant, before the flood and during it. */
  readonly contacts: number
  readonly warmUp: number
  /** Places of one tenant. */
  readonly places: number
}

/** Milliseconds of a first contact. */
export type ContactTimes = { readonly p50: number; readonly p95: number }

export type Fairness = {
  readonly quiet: ContactTimes
  readonly flooded: ContactTimes
  /** Of the flood: raised, and in line when the other tenant began to ask and when it had its last answer. */
  readonly flood: { readonly raised: number; readonly inLine: readonly [number, number] }
  readonly floodSeconds: number
  /** How many of the flood were answered meanwhile, in a second. */
  readonly answeredPerSecond: number
}

/** Documents the origin has to publish for it. */
export function documentsFor({ flood, contacts, warmUp }: FairnessSize): number {
  return flood + 2 * contacts + warmUp
}

/** How long a first contact of one tenant takes, and how long it takes while another has very many in line. */
export async function measureFairness(pipeline: Pipeline, size: FairnessSize): Promise<Fairness> {
  const other = await pipeline.addTenant('other')
  const take = supplyFrom(size.flood)
  // Code compiled, connections open, certificates issued: whatever comes of it.
  await Promise.all(
    take(size.warmUp).map((clientId) => other.resolve({ client_id: clientId, wait_ms: 30_000 })),
  )
  const quiet = await contactAll(other, take(size.contacts))
  const tenantId = await ensureTenant(pipeline.db, 'flooding')
  const flooding = Array.from({ length: size.flood }, (_, index) => clientIdAt(index))
  const raised = await timed(() => flood(pipeline, { tenantId, placesMax: size.places }, flooding))
  const before = await countInLine(pipeline)
  const { ms, value: flooded } = await timed(() => contactAll(other, take(size.contacts)))
  const after = await countInLine(pipeline)
  return {
    quiet,
    flooded,
    flood: { raised: size.flood, inLine: [before, after] },
    floodSeconds: raised.ms / 1000,
    answeredPerSecond: ((before - after) / ms) * 1000,
  }
}

function supplyFrom(first: number): (count: number) => readonly ClientIdUrl[] {
  let next = first
  return (count) => {
    const from = next
    next += count
    return Array.from({ length: count }, (_, index) => clientIdAt(from + index))
  }
}

// One after the other: what is measured is not how they share among themselves.
async function contactAll(api: ApiClient, clientIds: readonly ClientIdUrl[]): Promise<ContactTimes> {
  const times: number[] = []
  for (const clientId of clientIds) {
    const { ms, value } = await timed(() => api.resolve({ client_id: clientId, wait_ms: 30_000 }))
    if (value.status !== 200) throw new Error(`${clientId}: ${value.status} ${JSON.stringify(value.body)}`)
    times.push(ms)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) }
}

async function countInLine({ db }: Pipeline): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    select count(*) as waiting from cimd.fetch_places where taken_at is null`.execute(db)
  return rows[0]?.waiting ?? 0
}
