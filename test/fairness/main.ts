import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { explain } from '@cimd/runtime'
import { describeLoad, describeMachine } from '../bench/machine.ts'
import type { Origin } from '../harness/origin.ts'
import { startPipeline } from '../harness/pipeline.ts'
import { createDatabase, providePostgres } from '../harness/postgres.ts'
import { createRedisDatabase, provideRedis } from '../harness/redis.ts'
import { createTemplate } from '../harness/template.ts'
import { documentsFor, type Fairness, type FairnessSize, measureFairness } from './measure.ts'
import type { QuotaLoad } from './quotas.ts'

const USAGE = `npm run fairness -- [--flood <n>] [--contacts <n>] [--places <n>] [--origin-ms <n>] [--queue redis|postgres]
How long a first contact of one tenant takes, without and with a flood of another's, and the ratio of the two; and what
becomes of a tenant that asks for more than its quotas allow. Ends with 1 where the ratio is above 2 for the median or the 95th
percentile, or more was taken than a quota allows.`

/** A flood may make another tenant's first contact take so many times as long. */
const RATIO_MAX = 2

const ENVIRONMENT = {
  CIMD_LOG_LEVEL: 'error',
  CIMD_CLIENTS_PER_DOMAIN_MAX: '1000000',
  // What is measured is the line, not the budget of a publisher.
  CIMD_HOST_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_HOST_CONCURRENCY: '1000',
  CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_DOMAIN_CONCURRENCY: '1000',
  CIMD_FLEET_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_FLEET_CONCURRENCY: '1000',
}

try {
  const { values } = parseArgs({
    options: {
      flood: { type: 'string', default: '50000' },
      contacts: { type: 'string', default: '100' },
      places: { type: 'string', default: '16' },
      // As long as a publisher across an ocean takes, so that fetchers are busy with waiting.
      'origin-ms': { type: 'string', default: '200' },
      queue: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const size = {
    ...{ flood: Number(values.flood), contacts: Number(values.contacts), warmUp: 20 },
    ...{ places: Number(values.places), originMs: Number(values['origin-ms']) },
  }
  if (values.help) say(USAGE)
  else await measureAll(size, values.queue)
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`${explain(error)}\n`)
}

type Size = FairnessSize & { readonly originMs: number }

async function measureAll(size: Size, only: string | undefined): Promise<void> {
  await using things = new AsyncDisposableStack()
  const [postgres, redis] = await Promise.all([providePostgres(), provideRedis()])
  if (redis.kind === 'provided') things.defer(redis.stop)
  if (postgres.kind === 'missing') throw new Error(`no Postgres to measure on: ${postgres.how}`)
  things.defer(postgres.stop)
  for (const line of await describeMachine(postgres.adminUrl, postgres.source)) say(line)
  const template = await createTemplate(postgres.adminUrl)
  things.defer(template.drop)
  const origin = await startOriginProcess(documentsFor(size), size.originMs)
  things.defer(origin.close)
  const { adminUrl } = postgres
  const queues = {
    redis: redis.kind === 'provided' ? () => createRedisDatabase(redis.url) : undefined,
    postgres: () => createDatabase(adminUrl),
  }
  for (const [kind, create] of Object.entries(queues)) {
    if (only !== undefined && only !== kind) continue
    if (create === undefined) say(`queue on ${kind}: left out`)
    else
      report(
        { kind, ...size },
        await measureOn(await create(), { adminUrl, template: template.name, origin, size }),
      )
  }
}

type Queue = {
  readonly url: string
  readonly empty?: () => Promise<void>
  readonly drop?: () => Promise<void>
}
type World = {
  readonly adminUrl: string
  readonly template: string
  readonly origin: Pick<Origin, 'port' | 'ca'>
  readonly size: Size
}

async function measureOn(queue: Queue, { adminUrl, template, origin, size }: World): Promise<Fairness> {
  await using things = new AsyncDisposableStack()
  things.defer(async () => (queue.drop ?? queue.empty)?.())
  const database = await createDatabase(adminUrl, { template })
  things.defer(database.drop)
  const environment = { ...ENVIRONMENT, CIMD_TENANT_FETCHES_MAX: String(size.places) }
  const pipeline = await startPipeline({
    databaseUrl: database.url,
    queueUrl: queue.url,
    origin,
    environment,
  })
  things.defer(pipeline.close)
  return await measureFairness(pipeline, size)
}

async function startOriginProcess(documents: number, answerMs: number) {
  const child = fork(fileURLToPath(new URL('origin-process.ts', import.meta.url)), [
    String(documents),
    String(answerMs),
  ])
  const exited = once(child, 'exit')
  const [first] = await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => [new Error(`the origin exited with ${code}`)]),
  ])
  if (first instanceof Error) throw first
  const close = async (): Promise<void> => {
    child.disconnect()
    await exited
  }
  // The process says nothing else.
  return { ...(first as Pick<Origin, 'port' | 'ca'>), close }
}

function report(
  on: Size & { readonly kind: string },
  { quiet, flooded, flood, floodSeconds, answeredPerSecond, quotas }: Fairness,
): void {
  const ratios = { p50: flooded.p50 / quiet.p50, p95: flooded.p95 / quiet.p95 }
  const line = (name: 'p50' | 'p95'): string =>
    `  ${name}  ${quiet[name].toFixed(0)} ms quiet, ${flooded[name].toFixed(0)} ms flooded, ratio ${ratios[name].toFixed(2)}`
  say(`\n=== queue on ${on.kind}, load ${describeLoad()}`)
  say(`  an origin that takes ${on.originMs} ms, ${on.places} places of a tenant`)
  say(
    `  flood: ${flood.raised} demands in ${floodSeconds.toFixed(0)} s; in line ${flood.inLine.join(' before and ')} after, ${answeredPerSecond.toFixed(0)} answered/s`,
  )
  say(line('p50'))
  say(line('p95'))
  reportQuotas(quotas)
  if (Math.max(ratios.p50, ratios.p95) > RATIO_MAX) process.exitCode = 1
}

function reportQuotas({ contacts, resolves, others }: QuotaLoad): void {
  for (const [name, { asked, seconds, taken, refused, most }] of Object.entries({ contacts, resolves })) {
    say(
      `  quota of ${name}: ${asked} asked for in ${seconds.toFixed(1)} s, ${taken} taken of ${most} at most, ${refused} refused with 429`,
    )
    if (taken > most || refused === 0) process.exitCode = 1
  }
  const [p50, p95] = [others.p50, others.p95].map((ms) => ms.toFixed(0))
  say(`  first contacts of another tenant beside the contacts refused: p50 ${p50} ms, p95 ${p95} ms`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
