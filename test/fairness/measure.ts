import type { ClientIdUrl } from '@cimd/core'
import { ensureTenant } from '@cimd/store'
import { sql } from 'kysely'
import { timed } from '../bench/stopwatch.ts'
import type { Pipeline } from '../harness/pipeline.ts'
import { type ContactTimes, contactAll } from './contacts.ts'
import { clientIdAt } from './documents.ts'
import { flood } from './flood.ts'
import { GREEDY, measureQuotas, type QuotaLoad } from './quotas.ts'

export type FairnessSize = {
  /** Demands of the flood. */
  readonly flood: number
  /** First contacts of the other tenant, before the flood and during it. */
  readonly contacts: number
  readonly warmUp: number
  /** Places of one tenant. */
  readonly places: number
}

export type Fairness = {
  readonly quiet: ContactTimes
  readonly flooded: ContactTimes
  /** Of the flood: raised, and in line when the other tenant began to ask and when it had its last answer. */
  readonly flood: { readonly raised: number; readonly inLine: readonly [number, number] }
  readonly floodSeconds: number
  /** How many of the flood were answered meanwhile, in a second. */
  readonly answeredPerSecond: number
  readonly quotas: QuotaLoad
}

/** Documents the origin has to publish for it. */
export function documentsFor({ flood, contacts, warmUp }: FairnessSize): number {
  return flood + 3 * contacts + warmUp + GREEDY.contacts
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
  const quotas = await measureQuotas(pipeline, {
    greedy: take(GREEDY.contacts),
    others: take(size.contacts),
  })
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
    quotas,
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

async function countInLine({ db }: Pipeline): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    select count(*) as waiting from cimd.fetch_places where taken_at is null`.execute(db)
  return rows[0]?.waiting ?? 0
}
