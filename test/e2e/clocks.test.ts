import { dangerouslySetClockOffset } from '@cimd/store'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { publish, republish, takeDown } from '../harness/documents.ts'
import { provideFaketime } from '../harness/faketime.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'
import type { ServiceName } from '../harness/service-process.ts'

const faketime = provideFaketime()
const HOUR = 3600

if (faketime.kind === 'missing') {
  describe.skip(`hosts whose clocks disagree (${faketime.how})`, () => {
    it('change nothing in order or outcome', () => {})
  })
} else {
  for (const [service, offset] of [
    ['fetcher', '-1h'],
    ['scheduler', '+1h'],
    ['api', '+1h'],
  ] as const satisfies [ServiceName, string][]) {
    const options = { [service]: { wrapper: faketime.skew(offset) } }
    describePipeline(`with the clock of the ${service} at ${offset}`, { options }, tellStory)
  }
}

/** The life of a client, whose order and outcome no host's clock may change. */
function tellStory(suite: PipelineSuite): void {
  it('order and outcome are the same', async () => {
    const { origin, pipeline } = suite
    const { api } = pipeline
    const clientId = publish(origin)
    const first = await api.resolve({ client_id: clientId, wait_ms: 20_000 })
    expect(first.body.freshness.state).toBe('fresh')
    const freshForSeconds = await readFreshness(suite, clientId)
    expect(freshForSeconds).toBeGreaterThan(HOUR - 60)
    expect(freshForSeconds).toBeLessThanOrEqual(HOUR)
    const { body: discovered } = await api.events(0, 20_000)

    republish(origin, clientId, { client_name: 'Renamed' })
    await dangerouslySetClockOffset(pipeline.db, 25 * HOUR)
    const { body: changed } = await api.events(discovered.next, 30_000)

    takeDown(origin, clientId)
    const asked = await api.refresh({ client_id: clientId })
    const missing = await api.ticket(asked.body.ticket, 20_000)
    expect(missing.body.freshness).toMatchObject({ state: 'stale', why: 'status_404' })
    const { body: stale } = await api.events(changed.next, 30_000)
    await dangerouslySetClockOffset(pipeline.db, 25 * HOUR + 16 * 60)
    const { body: withdrawn } = await api.events(stale.next, 30_000)

    const events = [...discovered.events, ...changed.events, ...stale.events, ...withdrawn.events]
    expect(events.map(({ type }) => type)).toEqual([
      'client.discovered',
      'client.metadata_changed',
      'client.stale',
      'client.withdrawn',
    ])
    expect(events.map(({ cursor, clientseq }) => [cursor, clientseq])).toEqual([
      ['1', 1],
      ['2', 2],
      ['3', 3],
      ['4', 4],
    ])
    const instants = events.map(({ time }) => Date.parse(time))
    expect(instants).toEqual(instants.toSorted((a, b) => a - b))
  })
}

/** Seconds the record stays fresh, by the database's clock. */
async function readFreshness({ pipeline }: PipelineSuite, clientId: string): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from fresh_until - cimd.cimd_now())::float8 as seconds
    from cimd.clients where client_id = ${clientId}`.execute(pipeline.db)
  return rows[0]?.seconds ?? 0
}
