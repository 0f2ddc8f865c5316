import { explain } from '@cimd/runtime'
import { type Settings, settingsFrom, USAGE } from './arguments.ts'
import { check } from './checker.ts'
import type { Evidence } from './evidence.ts'
import type { Finding } from './invariants/invariant.ts'
import { runFaults } from './run.ts'
import { reportRun } from './table.ts'

// `npm run test:faults`: whatever ends, is cut off or fills up, nothing is lost and all comes in order.

/** For the start, the rest after the last fault, and the checks. */
const AROUND_MS = 60_000
const BROKEN_FAULTS_MS = 60_000
const BROKEN_CLIENTS = 60

// What is mounted is unmounted at an exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

try {
  const settings = settingsFrom(process.argv.slice(2))
  if (settings === undefined) console.log(USAGE)
  else if (settings.broken.length > 0) await tryBroken(settings)
  else await run(settings)
} catch (error) {
  process.exitCode = 1
  console.error(explain(error))
}
// Sockets of the services that were killed are nothing to wait for.
process.exit()

async function run(settings: Settings): Promise<void> {
  const beganMs = performance.now()
  console.log(`faults of seed ${settings.seed}, queue on ${settings.queue}`)
  const faultsMs = settings.minutes * 60_000 - AROUND_MS
  const { broken: _, ...of } = settings
  const evidence = await runFaults({ ...of, faultsMs, onLine: timed(beganMs) })
  const findings = check(evidence)
  console.log(`\n${reportRun(evidence, findings)}\n\n${summaryOf(evidence)}`)
  console.log(`seed ${settings.seed}, ${seconds(beganMs)} s`)
  if (findings.some(({ violations }) => violations.length > 0)) process.exitCode = 1
}

function summaryOf({ lives, turns }: Evidence): string {
  const killed = lives.filter(({ end }) => end === 'killed').length
  const stopped = lives.filter(({ end }) => end === 'stopped').length
  const skipped = new Set(turns.flatMap(({ fault, skipped: why }) => (why === undefined ? [] : [fault])))
  return [
    `${killed} processes killed, ${stopped} stopped in order`,
    ...[...skipped].map((fault) => `!! SKIPPED: ${fault}`),
  ].join('\n')
}

/** A short run of each broken release, which must be found out by the right invariant. */
async function tryBroken(settings: Settings): Promise<void> {
  let caught = 0
  for (const broken of settings.broken) {
    const beganMs = performance.now()
    console.log(`\n${broken.name}, seed ${settings.seed}`)
    const evidence = await runFaults({
      ...{ ...settings, clients: BROKEN_CLIENTS, broken, faultsMs: BROKEN_FAULTS_MS },
      onLine: timed(beganMs),
    })
    const violated = check(evidence).filter(({ violations }) => violations.length > 0)
    const isCaught = violated.some(({ name }) => broken.violates.includes(name))
    caught += isCaught ? 1 : 0
    console.log(`${isCaught ? 'caught' : 'NOT CAUGHT'}: ${broken.name}\n${violated.map(firstOf).join('\n')}`)
  }
  console.log(`\ncaught ${caught} of ${settings.broken.length}`)
  if (caught < settings.broken.length) process.exitCode = 1
}

function firstOf({ name, violations }: Finding): string {
  return `  ${name}: ${violations.length}, such as ${violations[0]?.wrong}: ${violations[0]?.what}`
}

function timed(beganMs: number): (line: string) => void {
  return (line) => console.log(`${String(seconds(beganMs)).padStart(4)} s  ${line}`)
}

function seconds(beganMs: number): number {
  return Math.round((performance.now() - beganMs) / 1000)
}
