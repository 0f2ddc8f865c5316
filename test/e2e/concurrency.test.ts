import { createProducer } from '@cimd/queue'
import type { Db } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import { documentOf, jsonReply, publish, serveAt } from '../harness/documents.ts'
import { holdOpen, whileHeld } from '../harness/origin.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

// The hosts of these tests are of one registrable domain.
const environment = { CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' }

describePipeline('concurrent demands', { environment }, (suite) => {
  it('fetch once for 1,000 resolves of one unknown client that arrive before and during its fetch', async () => {
    const clientId = publish(suite.origin)
    const held = holdOpen(jsonReply(documentOf(clientId)))
    serveAt(suite.origin, clientId, held.handler)
    const { api } = suite.pipeline
    const arrived = suite.origin.nextRequest(clientId)
    const before = times(500, (i) =>
      resolved(api, { client_id: clientId, subject: `user-${i}`, wait_ms: 30_000 }),
    )
    await arrived
    const during = times(500, (i) =>
      resolved(api, { client_id: clientId, subject: `later-${i}`, wait_ms: 30_000 }),
    )
    // Asked last without waiting: when it is answered, the ones before it have been taken in. Whoever a slow machine takes
    // in later finds the record.
    const last = resolved(api, { client_id: clientId, wait_ms: 0 })
    await whileHeld(last)
    held.release()
    const answers = await Promise.all([...before, ...during])
    expect([200, 202]).toContain((await last).status)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(suite.origin.hits(clientId)).toBe(1)
  })

  it('fetch each of 100 unknown clients exactly once', async () => {
    const clientIds = times(100, (i) => publish(suite.origin, {}, `host-${i % 20}.example.net`))
    const { api } = suite.pipeline
    const answers = await Promise.all(
      [...clientIds, ...clientIds, ...clientIds].map((clientId) =>
        resolved(api, { client_id: clientId, wait_ms: 30_000 }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(clientIds.map((clientId) => suite.origin.hits(clientId))).toEqual(times(100, () => 1))
  })

  it('fetch exactly once more for a forced refresh that arrives during a fetch', async () => {
    const clientId = publish(suite.origin)
    const held = holdOpen(jsonReply(documentOf(clientId)))
    serveAt(suite.origin, clientId, held.handler)
    const { api } = suite.pipeline
    const arrived = suite.origin.nextRequest(clientId)
    const first = api.resolve({ client_id: clientId, wait_ms: 20_000 })
    await arrived
    const forced = await api.refresh({ client_id: clientId })
    // Held as well: a record that is newer by then would be the first answer.
    const newer = holdOpen(jsonReply(documentOf(clientId, { client_name: 'Newer' })))
    serveAt(suite.origin, clientId, newer.handler)
    held.release()
    expect((await first).body.document.client_name).toBe('A client')
    newer.release()
    const answered = await api.ticket(forced.body.ticket, 20_000)
    expect(answered.body.document.client_name).toBe('Newer')
    expect(suite.origin.hits(clientId)).toBe(2)
  })

  it('never deadlock: a forced refresh and the refresh behind a stale answer of the same tenant', async () => {
    const clientId = publish(suite.origin)
    const { api, db } = suite.pipeline
    expect((await api.resolve({ client_id: clientId, wait_ms: 20_000 })).status).toBe(200)
    await sql`update cimd.clients set fresh_until = cimd.cimd_now(),
      revalidate_until = cimd.cimd_now() + interval '1 minute' where client_id = ${clientId}`.execute(db)
    const { forced, resolved } = await db.transaction().execute(async (trx) => {
      await sql`select from cimd.clients where client_id = ${clientId} for update`.execute(trx)
      const forced = api.refresh({ client_id: clientId })
      await untilBlocked(db, 1)
      const resolved = api.resolve({ client_id: clientId })
      await untilBlocked(db, 2)
      return { forced, resolved }
    })
    expect([(await forced).status, (await resolved).status]).toEqual([202, 200])
  })

  it('answer a login at once for a client whose refresh waits behind 10,000 others', async () => {
    const { pipeline, origin } = suite
    await pipeline.stop('fetcher')
    // Its host is not served: what matters is that each takes a worker for a while.
    const behind = publish(origin)
    const inserted = await sql<{ id: string }>`
      insert into cimd.clients (client_id, host, wanted)
      select 'https://busy.example.net/' || n, 'busy.example.net', 1 from generate_series(1, 10000) n
      union all select ${behind}, 'client.example.net', 1
      returning id::text`.execute(pipeline.db)
    const producer = createProducer({ url: pipeline.queueUrl, onError: () => {} })
    const ids = inserted.rows.map(({ id }) => id)
    // A call is given up after two seconds, which a busy machine needs for all of them.
    for (let from = 0; from < ids.length; from += 100) {
      await producer.enqueue('refresh', ids.slice(from, from + 100))
    }
    // By one worker, so that most of them still wait when the login is answered, however long that takes.
    await pipeline.start('fetcher', {
      environment: { CIMD_HOST_ATTEMPTS_PER_MINUTE: '1000000', CIMD_REFRESH_CONCURRENCY: '1' },
    })
    const answer = await pipeline.api.resolve({ client_id: behind, wait_ms: 20_000 })
    expect(answer.status).toBe(200)
    expect(await producer.waitingCount('refresh')).toBeGreaterThan(5000)
    await producer.close()
    expect(origin.hits(behind)).toBe(1)
  })
})

/** As whoever asks again is answered: on a slow machine a crowd may wait for a connection to the store for too long. */
async function resolved(api: ApiClient, request: Record<string, unknown>): Promise<ApiAnswer> {
  const answer = await api.resolve(request)
  return answer.body.code === 'store_unavailable' ? resolved(api, request) : answer
}

/** Resolves once that many connections of the database wait for a lock. */
async function untilBlocked(db: Db, count: number): Promise<void> {
  for (let blocked = 0; blocked < count; ) {
    const { rows } = await sql<{ n: number }>`select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
    blocked = rows[0]?.n ?? 0
  }
}
