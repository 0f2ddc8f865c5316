import { judgeDecisions } from '@cimd/scheduler'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { ADDED, LISTED, record, servePolicies } from './policy-bundle.ts'
import { describeStore, identify } from './store-bundle.ts'

describeStore('what becomes of a decision', () => {
  const { store, tenantOf } = servePolicies()

  it('CHG-02: falls back to what was approved when the approval ends, not to what came after it', async () => {
    const { put, publish, resolve, send } = await tenantOf()
    const clientId = identify()
    await put({ mode: 'review', changes: 'hold_widening', approvals: { expire_after_days: 2 } })
    await publish(clientId)
    const [{ digest }] = (await send('GET', '/v1/reviews')).body.reviews
    await send('POST', '/v1/reviews/approve', { client_id: clientId, digest })
    const { body } = await publish(clientId, { redirect_uris: [LISTED, ADDED] })
    expect(body.document.redirect_uris).toEqual([LISTED])
    await put({ changes: 'hold_widening' })
    await send('DELETE', `/v1/reviews?${new URLSearchParams({ client_id: clientId })}`)
    expect((await resolve(clientId)).body.document.redirect_uris).toEqual([LISTED])
  })

  it('FET-27: pins what was registered, however many others were registered in vain', async () => {
    const { tenant, send, resolve } = await tenantOf()
    await sql`with c as (
        insert into cimd.clients (client_id, host) select 'https://dead.example.net/' || n, 'dead.example.net' from generate_series(1, 600) n
        returning id
      ) insert into cimd.registrations (tenant_id, client_ref, mode, generation, created_by)
        select ${store().otherTenant}, id, 'frozen', 1, 'x' from c`.execute(store().owner)
    const clientId = identify()
    await send('PUT', '/v1/registrations', { client_id: clientId, mode: 'frozen' })
    await record(store(), clientId, { client_name: 'First' })
    await judgeDecisions(store().scheduler, () => false)
    await store().demand(clientId, { tenant, forced: true })
    await record(store(), clientId, { client_name: 'Second' })
    expect((await resolve(clientId)).body.document.client_name).toBe('First')
  })
})
