import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { clientIdAt } from '../fairness/documents.ts'
import { flood } from '../fairness/flood.ts'
import { jsonReply, publish, serveAt } from '../harness/documents.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'

const FLOOD = 2000
const PLACES = 2
const environment = {
  CIMD_TENANT_FETCHES_MAX: String(PLACES),
  CIMD_HOST_ATTEMPTS_PER_MINUTE: '1000000',
  CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000',
}

describePipeline('while one tenant floods the fetchers', { environment }, (suite) => {
  it('first contacts of another are answered before a tenth of the flood is', async () => {
    const { pipeline, origin } = suite
    await raise(suite)
    const other = await pipeline.addTenant('other')
    for (let turn = 0; turn < 5; turn += 1) {
      const { status } = await other.resolve({ client_id: publish(origin), wait_ms: 30_000 })
      expect(status).toBe(200)
    }
    expect(await countInLine(suite)).toBeGreaterThan(FLOOD * 0.9)
  })

  it('the line goes on, also after the queue lost everything and the services were killed', async () => {
    const { pipeline, backend } = suite
    const before = await countInLine(suite)
    await expect.poll(() => countInLine(suite), { timeout: 60_000 }).toBeLessThan(before)
    for (const name of ['fetcher', 'scheduler'] as const) {
      pipeline.running(name).kill('SIGKILL')
      await pipeline.running(name).exited
    }
    await backend.empty()
    const left = await countInLine(suite)
    await Promise.all([pipeline.start('fetcher'), pipeline.start('scheduler')])
    await expect.poll(() => countInLine(suite), { timeout: 60_000 }).toBeLessThan(left - 2 * PLACES)
    const taken = await countTaken(suite)
    expect(taken).toBeLessThanOrEqual(PLACES)
  })
})

async function raise({ pipeline, origin }: PipelineSuite): Promise<void> {
  const clientIds = Array.from({ length: FLOOD }, (_, index) => clientIdAt(index))
  for (const clientId of clientIds) {
    // The document of another client, which is an answer all the same.
    serveAt(origin, clientId, jsonReply({ client_id: 'https://elsewhere.example.net/' }))
  }
  await flood(pipeline, { tenantId: pipeline.tenantId, placesMax: PLACES }, clientIds)
}

async function countInLine({ pipeline }: PipelineSuite): Promise<number> {
  return countPlaces(pipeline, 'taken_at is null')
}

async function countTaken({ pipeline }: PipelineSuite): Promise<number> {
  return countPlaces(pipeline, 'taken_at is not null')
}

async function countPlaces({ db }: PipelineSuite['pipeline'], which: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from cimd.fetch_places where ${sql.raw(which)}`.execute(db)
  return rows[0]?.count ?? 0
}
