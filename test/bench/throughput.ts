import { type ClientIdUrl, parseClientMetadata, sha256Hex } from '@cimd/core'
import pg from 'pg'
import type { Bed } from './bed.ts'
import { processorMs } from './cpu.ts'
import { pairwise, type Summary, summarize } from './statistics.ts'
import { drive } from './stopwatch.ts'

/** Documents per second through the system beside the shortest loop that fetches, validates and stores. */
export type Throughput = {
  readonly concurrency: number
  readonly documentsPerRound: number
  readonly loop: Summary
  readonly system: Summary
  /** Of each round, system over loop. */
  readonly ratio: Summary
  /** Processor time per document through the system, by process, in milliseconds; absent where it cannot be read. */
  readonly processorMs: Readonly<Partial<Record<(typeof PROCESSES)[number], number>>>
}

const PROCESSES = ['bench', 'api', 'fetcher', 'scheduler'] as const

export const CONCURRENCY = 32

/** Measures both in turn, round by round, each on documents it has not seen. */
export async function measureThroughput(
  bed: Bed,
  size: { readonly rounds: number; readonly documents: number },
): Promise<Throughput> {
  await using loop = await openLoop(bed)
  const measured = { loop: [] as number[], system: [] as number[] }
  const used = { bench: 0, api: 0, fetcher: 0, scheduler: 0 }
  // One more than is counted: the first opens connections and warms the code.
  for (let round = 0; round <= size.rounds; round += 1) {
    const loopRate = await documentsPerSecond(bed.take(size.documents), loop.run)
    const before = readProcessors(bed)
    const systemRate = await documentsPerSecond(bed.take(size.documents), bed.resolve)
    const after = readProcessors(bed)
    if (round === 0) continue
    measured.loop.push(loopRate)
    measured.system.push(systemRate)
    for (const name of PROCESSES) used[name] += after[name] - before[name]
  }
  return {
    concurrency: CONCURRENCY,
    documentsPerRound: size.documents,
    loop: summarize(measured.loop),
    system: summarize(measured.system),
    ratio: summarize(pairwise(measured.system, measured.loop, (a, b) => a / b)),
    processorMs: perDocument(used, size.rounds * size.documents),
  }
}

type Used = Record<(typeof PROCESSES)[number], number>

function readProcessors({ pipeline }: Bed): Used {
  const of = (name: 'api' | 'fetcher' | 'scheduler') => processorMs(pipeline.running(name).pid) ?? Number.NaN
  return {
    bench: processorMs(process.pid) ?? Number.NaN,
    api: of('api'),
    fetcher: of('fetcher'),
    scheduler: of('scheduler'),
  }
}

function perDocument(used: Used, documents: number): Throughput['processorMs'] {
  const known = PROCESSES.filter((name) => !Number.isNaN(used[name]))
  return Object.fromEntries(known.map((name) => [name, used[name] / documents]))
}

async function documentsPerSecond(
  clientIds: readonly ClientIdUrl[],
  work: (clientId: ClientIdUrl) => Promise<void>,
): Promise<number> {
  const ms = await drive(clientIds, CONCURRENCY, work)
  return (clientIds.length / ms) * 1000
}

const TABLE = `
  create table public.bench_documents (
    client_id text primary key, body bytea not null, digest text not null, fetched_at timestamptz not null
  )`
const INSERT = 'insert into public.bench_documents values ($1, $2, $3, now())'

async function openLoop({ get, pipeline }: Bed): Promise<AsyncDisposable & { run: Bed['resolve'] }> {
  const pool = new pg.Pool({ connectionString: pipeline.databaseUrl, max: CONCURRENCY })
  await pool.query(TABLE)
  return {
    run: async (clientId) => {
      const body = await get(clientId)
      const parsed = parseClientMetadata(body, clientId)
      if (!parsed.ok) throw new Error(`the document of ${clientId} is refused: ${parsed.code}`)
      await pool.query(INSERT, [clientId, Buffer.from(body), sha256Hex(body)])
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
