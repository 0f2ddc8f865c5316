import { RULES_VERSION } from '@cimd/core'
import { approveRules, dangerouslySetClockOffset, readBrake } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { ApiClient } from '../harness/api-client.ts'
import { documentOf, publish, republish } from '../harness/documents.ts'
import { describePipeline, type PipelineSuite } from '../harness/pipeline-suite.ts'

const MINUTE = 60
// What the present rules refuse stands for what the next ones will.
const REFUSED = { token_endpoint_auth_method: 'client_secret_basic' }

// The hosts of these tests are of one registrable domain.
const environment = {
  ...{ CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' },
  CIMD_HOST_ATTEMPTS_PER_MINUTE: '1000000',
}

const services = ['api', 'fetcher'] as const

describePipeline('new rules', { environment, services }, (suite) => {
  it('end nobody before they are approved, and after that whoever does not mend a document (CAC-12)', async () => {
    const { api, db } = suite.pipeline
    await startUnapproved(suite)
    const [kept = '', mended = ''] = await useRefused(suite, 2)
    for (const clientId of [kept, mended]) {
      // A login, and a forced refresh that finds the very same bytes.
      for (const refreshed of [false, true]) {
        const demanded = refreshed ? await api.refresh({ client_id: clientId }) : undefined
        if (demanded) await api.ticket(demanded.body.ticket, 10_000)
        expect((await api.resolve({ client_id: clientId })).body).toMatchObject({
          document: REFUSED,
          freshness: { state: 'stale', why: 'rules_pending' },
        })
        expect((await api.client(clientId)).body.freshness).toMatchObject({ why: 'rules_pending' })
        expect((await changesSince(api, clientId)).freshness).toMatchObject({ why: 'rules_pending' })
      }
    }
    expect(await typesOf(suite)).toEqual(['client.discovered', 'client.discovered'])

    republish(suite.origin, mended)
    const fetched = [kept, mended].map((clientId) => suite.origin.nextRequest(clientId))
    await approveRules(db, RULES_VERSION)
    // Nobody asks: they are fetched because they are refused.
    await Promise.all(fetched)
    const ready = async (clientId: string) =>
      (await api.resolve({ client_id: clientId, wait_ms: 10_000 })).body
    expect((await ready(mended)).freshness.state).toBe('fresh')
    expect((await ready(kept)).freshness).toMatchObject({ state: 'stale', why: 'symmetric_method' })
    await dangerouslySetClockOffset(db, 16 * MINUTE)
    const { status, body } = await api.resolve({ client_id: kept })
    expect([status, body.code]).toEqual([422, 'symmetric_method'])
    const types = await typesOf(suite)
    expect(types.toSorted()).toEqual(
      [
        ...['client.discovered', 'client.discovered', 'client.metadata_changed'],
        ...['client.stale', 'client.withdrawn'],
      ].toSorted(),
    )
  })
})

describePipeline('a bad rule', { environment, services }, (suite) => {
  it('is stopped by the brake, though it was approved', async () => {
    const { api, db } = suite.pipeline
    await startUnapproved(suite)
    const clientIds = await useRefused(suite, 25)
    const engaged = suite.pipeline.running('scheduler').logged((line) => line.event === 'brake.engaged')
    await approveRules(db, RULES_VERSION)
    await engaged
    await dangerouslySetClockOffset(db, 60 * MINUTE)
    for (const clientId of clientIds) {
      const { freshness } = (await api.resolve({ client_id: clientId })).body
      expect(freshness).toMatchObject({ state: 'stale', why: 'symmetric_method' })
    }
    expect((await readBrake(db)).engaged).toBeDefined()
    expect(await typesOf(suite)).not.toContain('client.withdrawn')
  })
})

async function changesSince(api: ApiClient, clientId: string) {
  const { digest } = (await api.resolve({ client_id: clientId })).body
  const query = new URLSearchParams({ client_id: clientId, since: digest })
  return (await api.request(`/v1/client/changes?${query}`)).body
}

/** As after an update to a release whose rules nobody has approved yet; the scheduler looks as soon as it starts. */
async function startUnapproved({ pipeline }: PipelineSuite): Promise<void> {
  await sql`update cimd.deployment set rules_version = ${RULES_VERSION - 1}`.execute(pipeline.db)
  await pipeline.start('scheduler')
}

/** Clients in use with a document that the release before this one allowed. */
async function useRefused({ pipeline, origin }: PipelineSuite, count: number): Promise<string[]> {
  const clientIds = Array.from({ length: count }, (_, n) => publish(origin, {}, `client.example${n}.net`))
  for (const clientId of clientIds) {
    const { status } = await pipeline.api.resolve({ client_id: clientId, wait_ms: 10_000 })
    expect(status).toBe(200)
    const body = JSON.stringify(documentOf(clientId, REFUSED))
    republish(origin, clientId, REFUSED)
    await sql`
      update cimd.versions set body = convert_to(${body}, 'UTF8'), digest = sha256(convert_to(${body}, 'UTF8')),
        rules_version = ${RULES_VERSION - 1}
      where client_id = ${clientId}`.execute(pipeline.db)
  }
  return clientIds
}

async function typesOf({ pipeline }: PipelineSuite): Promise<string[]> {
  const rows = await pipeline.db.selectFrom('cimd.outbox').select('type').orderBy('id').execute()
  return rows.map(({ type }) => type)
}
