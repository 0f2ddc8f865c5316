import { explain } from '@cimd/runtime'
import { migrate } from '@cimd/store'
import pg from 'pg'
import { createDatabase, providePostgres } from '../harness/postgres.ts'
import { settingsFrom, USAGE } from './arguments.ts'
import { INVARIANTS } from './invariants/index.ts'
import type { Settings } from './population.ts'
import { reportRun } from './report.ts'
import { simulate } from './run.ts'

// `npm run simulate:month`: a month in the life of 5,000 clients, and whether all that was promised was kept.

try {
  const settings = settingsFrom(process.argv.slice(2))
  if (settings === undefined) console.log(USAGE)
  else await run(settings)
} catch (error) {
  process.exitCode = 1
  console.error(explain(error))
}

async function run(settings: Settings): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const postgres = await providePostgres()
  if (postgres.kind === 'missing') throw new Error(`no Postgres: ${postgres.how}`)
  stack.defer(postgres.stop)
  const database = await createDatabase(postgres.adminUrl, { prefix: 'cimd_simulation_' })
  stack.defer(database.drop)
  await migrate(database.url, 'development')
  await hurry(database.url)
  const beganMs = performance.now()
  const seconds = () => Math.round((performance.now() - beganMs) / 1000)
  const evidence = await simulate(database.url, settings, (day) => console.log(`day ${day} (${seconds()} s)`))
  const findings = INVARIANTS.map((invariant) => invariant(evidence))
  console.log(`simulated in ${seconds()} s\n\n${reportRun(evidence, findings)}`)
  if (findings.some(({ violations }) => violations.length > 0)) process.exitCode = 1
}

/** Nothing in it is worth waiting for a disk. */
async function hurry(databaseUrl: string): Promise<void> {
  const name = pg.escapeIdentifier(new URL(databaseUrl).pathname.slice(1))
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(`alter database ${name} set synchronous_commit = off`)
  } finally {
    await client.end()
  }
}
