import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { explain } from '@cimd/runtime'
import { providePostgres } from '../harness/postgres.ts'
import { provideRedis } from '../harness/redis.ts'
import { createTemplate } from '../harness/template.ts'
import { type Bed, type BedOptions, type QueueBackend, startBed } from './bed.ts'
import type { GuardedGet } from './egress-get.ts'
import { holdContestApart } from './egress-namespace.ts'
import { reportContest, reportGuardedGet } from './egress-report.ts'
import { measureFirstContact } from './first-contact.ts'
import { measureFreshHit } from './fresh-hit.ts'
import { describeLoad, describeMachine } from './machine.ts'
import { startRemoteOrigin } from './remote-origin.ts'
import {
  reportFirstContact,
  reportFreshHit,
  reportSteps,
  reportThroughput,
  reportValidation,
} from './report.ts'
import { measureSteps } from './steps.ts'
import { measureThroughput } from './throughput.ts'
import type { Validation, ValidationSize } from './validation.ts'

const FULL = {
  warmUp: 50,
  contacts: 150,
  steps: 50,
  throughput: { rounds: 5, documents: 150 },
  freshHit: { sequential: 200, rounds: 5, requests: 400 },
  validation: { rounds: 15, documents: 2000 },
  egress: { get: { rounds: 20, perRound: 25 }, contest: { rounds: 12, perRound: 20 }, patienceMs: 12_000 },
}
const QUICK: typeof FULL = {
  warmUp: 20,
  contacts: 40,
  steps: 20,
  throughput: { rounds: 2, documents: 100 },
  freshHit: { sequential: 60, rounds: 2, requests: 200 },
  validation: { rounds: 5, documents: 1000 },
  egress: { get: { rounds: 4, perRound: 20 }, contest: { rounds: 3, perRound: 10 }, patienceMs: 11_000 },
}

const USAGE = `npm run bench -- [--quick] [--validation] [--egress]
  --quick  a few seconds per queue, for a look: too few samples to quote
  --validation  only what needs no server
  --egress  only the guarded GET, beside a plain one and beside its peers`

const flag = { type: 'boolean' } as const

try {
  const { values } = parseArgs({ options: { quick: flag, validation: flag, egress: flag, help: flag } })
  const size = values.quick ? QUICK : FULL
  if (values.help) say(USAGE)
  else if (values.validation) say(reportValidation(measureValidationApart(size.validation)))
  else if (values.egress) await benchEgress(size.egress)
  else await bench(size)
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`${explain(error)}\n`)
}

function measureValidationApart(size: ValidationSize): Validation {
  return measureApart(new URL('validation-process.ts', import.meta.url), size)
}

/** In a process of its own, which prints what it measured as JSON. */
function measureApart(program: URL, size: unknown) {
  const options = { encoding: 'utf8' } as const
  return JSON.parse(execFileSync(process.execPath, [fileURLToPath(program), JSON.stringify(size)], options))
}

/** The guarded GET alone, and in company. */
async function benchEgress({ get, contest, patienceMs }: (typeof FULL)['egress']): Promise<void> {
  say(`\n=== egress, load ${describeLoad()} before`)
  const guarded: GuardedGet = measureApart(new URL('egress-get-process.ts', import.meta.url), get)
  say(reportGuardedGet(guarded))
  say(reportContest(await holdContestApart({ size: contest, patienceMs })))
}

/** Everything on every queue backend there is. */
async function bench(size: typeof FULL): Promise<void> {
  const startedMs = performance.now()
  await using things = new AsyncDisposableStack()
  const [postgres, redis] = await Promise.all([providePostgres(), provideRedis()])
  if (redis.kind === 'provided') things.defer(redis.stop)
  if (postgres.kind === 'missing') throw new Error(`no Postgres to measure on: ${postgres.how}`)
  things.defer(postgres.stop)

  for (const line of await describeMachine(postgres.adminUrl, postgres.source)) say(line)
  const template = await createTemplate(postgres.adminUrl)
  things.defer(template.drop)
  const origin = await startRemoteOrigin()
  things.defer(origin.close)

  const queues: QueueBackend[] = [{ kind: 'postgres', serverUrl: postgres.adminUrl }]
  if (redis.kind === 'provided') queues.unshift({ kind: 'redis', serverUrl: redis.url })
  else say(`\nqueue on redis: left out, ${redis.how}`)
  for (const queue of queues) {
    await benchQueue({ adminUrl: postgres.adminUrl, template: template.name, queue, origin }, size)
  }
  say(reportValidation(measureValidationApart(size.validation)))
  await benchEgress(size.egress)
  const seconds = (performance.now() - startedMs) / 1000
  say(`\ndone in ${seconds.toFixed(0)} s, load ${describeLoad()} after the run`)
}

async function benchQueue(options: BedOptions, size: typeof FULL): Promise<void> {
  say(`\n=== queue on ${options.queue.kind}`)
  await using bed = await startBed(options)
  await warmUp(bed, size.warmUp)
  say(reportFirstContact(await measureFirstContact(bed, size.contacts)))
  say(reportThroughput(await measureThroughput(bed, size.throughput)))
  say(reportFreshHit(await measureFreshHit(bed, size.freshHit)))
  // Last, because it stops the fetcher.
  say(reportSteps(await measureSteps(bed, size.steps)))
}

/** Code compiled, connections open, certificates issued. */
async function warmUp(bed: Bed, count: number): Promise<void> {
  for (const clientId of bed.take(count)) {
    await bed.get(clientId)
    await bed.resolve(clientId)
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
