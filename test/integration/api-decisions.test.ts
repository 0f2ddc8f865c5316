import { judgeDecisions } from '@cimd/scheduler'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { record, servePolicies } from './policy-bundle.ts'
import { describeStore, identify } from './store-bundle.ts'

describeStore('what becomes of a decision', () => {
  const { store, tenantOf } = servePolicies()

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
