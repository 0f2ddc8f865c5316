import { createProducer } from '@cimd/queue'
import { checkDb, claimClient, dangerouslySetClockOffset, recordAttempt } from '@cimd/store'
import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { documentOf, jsonReply, publish, republish, serveAt } from '../harness/documents.ts'
import { holdOpen } from '../harness/origin.ts'
import type { Pipeline } from '../harness/pipeline.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'

/** Before the longest wait is over, and before a queue hands on the job of a worker that is gone. */
const SOON_MS = 25_000
/** What is recorded meanwhile is recorded in time on a busy machine too. */
const UNANNOUNCED_MS = 8000

describePipeline('when something breaks, a demand', {}, (suite) => {
  afterEach(() => dangerouslySetClockOffset(suite.pipeline.db, 0))

  it('is answered soon although its fetcher was killed during the fetch, with one version recorded', async () => {
    const { origin, pipeline } = suite
    const clientId = publish(origin)
    serveAt(origin, clientId, holdOpen(jsonReply(documentOf(clientId))).handler)
    const arrived = origin.nextRequest(clientId)
    const startedAt = performance.now()
    const resolved = pipeline.api.resolve({ client_id: clientId, wait_ms: 30_000 })
    await arrived
    pipeline.running('fetcher').kill('SIGKILL')
    republish(origin, clientId)
    await pipeline.running('fetcher').exited
    await pipeline.start('fetcher')
    expect((await resolved).status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS)
    expect(await countVersions(pipeline, clientId)).toBe(1)
  })

  it('is answered at its deadline when the notification is lost', async () => {
    const { origin, pipeline } = suite
    await pipeline.stop('fetcher')
    const clientId = publish(origin)
    const resolved = pipeline.api.resolve({ client_id: clientId, wait_ms: UNANNOUNCED_MS })
    await recordUnannounced(pipeline, clientId)
    expect((await resolved).status).toBe(200)
    await pipeline.start('fetcher')
  })

  it('is answered soon after the listening connection was dropped and came back', async () => {
    const { origin, pipeline } = suite
    const clientId = publish(origin)
    const held = holdOpen(jsonReply(documentOf(clientId)))
    serveAt(origin, clientId, held.handler)
    const arrived = origin.nextRequest(clientId)
    const resolved = pipeline.api.resolve({ client_id: clientId, wait_ms: 30_000 })
    await arrived
    const startedAt = performance.now()
    const dropped = await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'cimd_api listen' and datname = current_database()`.execute(pipeline.db)
    expect(dropped.rows).toHaveLength(1)
    held.release()
    expect((await resolved).status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS)
  })

  it('is answered although the queue forgot it', async () => {
    const { backend, origin, pipeline } = suite
    await pipeline.stop('fetcher')
    const clientId = publish(origin)
    const resolved = pipeline.api.resolve({ client_id: clientId, wait_ms: 30_000 })
    await queued(pipeline, 'fetch')
    await backend.empty()
    await pipeline.start('fetcher')
    expect((await resolved).status).toBe(200)
    expect(origin.hits(clientId)).toBe(1)
  })

  it('of a due refresh is met although the queue forgot it', async () => {
    const { backend, origin, pipeline } = suite
    // Of a host of its own: its turn is not after those of others, in another sweep.
    const clientId = publish(origin, {}, 'forgotten.example.net')
    await pipeline.api.resolve({ client_id: clientId })
    await pipeline.stop('fetcher')
    await dangerouslySetClockOffset(pipeline.db, 25 * 3600)
    await queued(pipeline, 'refresh')
    await backend.empty()
    const refreshed = origin.nextRequest(clientId)
    await pipeline.start('fetcher')
    // The sweep takes a refresh to be lost after a minute.
    await dangerouslySetClockOffset(pipeline.db, 25 * 3600 + 61)
    await refreshed
  })

  it('is handed back by a fetcher that is told to stop, and answered by the next', async () => {
    const { origin, pipeline } = suite
    await pipeline.stop('fetcher')
    await pipeline.start('fetcher', { environment: { CIMD_SHUTDOWN_GRACE_MS: '100' } })
    const clientId = publish(origin)
    serveAt(origin, clientId, holdOpen(jsonReply(documentOf(clientId))).handler)
    const arrived = origin.nextRequest(clientId)
    const resolved = pipeline.api.resolve({ client_id: clientId, wait_ms: 30_000 })
    await arrived
    expect(await pipeline.stop('fetcher')).toBe(0)
    republish(origin, clientId)
    await pipeline.start('fetcher')
    expect((await resolved).status).toBe(200)
    // The first fetch was not waited for: at its deadline it would have been an attempt.
    const { rows } = await sql`select from cimd.attempts a join cimd.clients c on c.id = a.client_ref
      where c.client_id = ${clientId}`.execute(pipeline.db)
    expect(rows).toHaveLength(1)
  })

  it('that runs when the fetcher is told to stop ends within the grace', async () => {
    const { origin, pipeline } = suite
    const clientId = publish(origin)
    const held = holdOpen(jsonReply(documentOf(clientId)))
    serveAt(origin, clientId, held.handler)
    const arrived = origin.nextRequest(clientId)
    const resolved = pipeline.api.resolve({ client_id: clientId, wait_ms: 30_000 })
    await arrived
    const stopped = pipeline.stop('fetcher')
    held.release()
    expect((await resolved).status).toBe(200)
    expect(await stopped).toBe(0)
    expect(origin.hits(clientId)).toBe(1)
    await pipeline.start('fetcher')
    await checkDb(pipeline.db)
  })
})

async function countVersions(pipeline: Pipeline, clientId: string): Promise<number> {
  const { rows } = await sql`select from cimd.versions where client_id = ${clientId}`.execute(pipeline.db)
  return rows.length
}

/** Resolves once a job waits in the queue. */
async function queued(pipeline: Pipeline, queue: 'fetch' | 'refresh'): Promise<void> {
  const producer = createProducer({ url: pipeline.queueUrl, onError: () => {} })
  while ((await producer.waitingCount(queue)) === 0);
  await producer.close()
}

/** Does what a fetcher does for a demanded client, but tells nobody. */
async function recordUnannounced({ db }: Pipeline, clientId: string): Promise<void> {
  const body = Buffer.from(JSON.stringify(documentOf(clientId)))
  let client: string | undefined
  while (client === undefined) {
    const { rows } = await sql<{ id: string }>`
      select id::text from cimd.clients where client_id = ${clientId}`.execute(db)
    client = rows[0]?.id
  }
  const claim = await claimClient(db, client, 8)
  if (claim === undefined) throw new Error('nothing is wanted')
  const { createHash } = await import('node:crypto')
  const later = new Date(claim.claimedAt.getTime() + 3600_000)
  await recordAttempt(db, {
    claim,
    finishedAt: claim.claimedAt,
    outcome: 'fetched',
    evidence: { phase: 'body', addresses: [], bodyBytes: body.length, times: { totalMs: 1 } },
    standing: {
      ...claim.standing,
      state: 'valid',
      validatedAt: claim.claimedAt,
      freshUntil: later,
      revalidateUntil: later,
      usableUntil: later,
    },
    newVersion: {
      body,
      digest: createHash('sha256').update(body).digest('hex'),
      contentType: 'application/json',
      rulesVersion: 1,
    },
    nextAttemptAt: later,
    events: [],
  })
}
