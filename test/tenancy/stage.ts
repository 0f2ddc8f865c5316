import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { createDatabase } from '../harness/postgres.ts'
import { adminUrl, setup } from '../integration/store-bundle.ts'
import { tenantTables } from './catalogue.ts'
import { type Finding, runScenario } from './scenario.ts'
import { type Interference, interceptStatements } from './statements.ts'
import { buildWorld } from './world.ts'

/** Runs the scenario on copies of one world, each with an interference of its own. */
export type Stage = Awaited<ReturnType<typeof openStage>>

/** The world is built once; a copy of it takes a fraction of the time. */
export async function openStage() {
  const stack = new AsyncDisposableStack()
  const seam = interceptStatements()
  stack.defer(seam.restore)
  const built = stack.use(await setup())
  const world = await buildWorld(built)
  const tables = (await tenantTables(built.owner)).map(({ name }) => name)
  const role = `cimd_api_unbound_${randomBytes(4).toString('hex')}`
  await sql.raw(`create role ${role} nologin bypassrls; grant cimd_api to ${role}`).execute(built.owner)
  await built.disconnect()
  // Roles are the server's, so this one outlives the databases it was used in.
  stack.defer(async () => void (await sql.raw(`drop role ${role}`).execute(built.open())))
  const template = databaseOf(built.url)

  async function* run(interference: Interference): AsyncGenerator<Finding> {
    await using store = await setup({ database: await createDatabase(adminUrl(), { template }) })
    seam.interfere(databaseOf(store.url), interference)
    yield* runScenario(store, world)
  }
  return {
    world,
    tables,
    /** A role with the grants of cimd_api, for which no policy counts. */
    unboundRole: role,
    findings: async (interference: Interference): Promise<Finding[]> => {
      const findings: Finding[] = []
      for await (const finding of run(interference)) findings.push(finding)
      return findings
    },
    /** The first finding that is not as it should be; undefined where nothing tells the run from the one expected. */
    firstDifference: async (
      expected: readonly Finding[],
      interference: Interference,
    ): Promise<Finding | undefined> => {
      let index = 0
      for await (const finding of run(interference)) {
        if (finding.found !== expected[index]?.found) return finding
        index += 1
      }
      return undefined
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1)
}
