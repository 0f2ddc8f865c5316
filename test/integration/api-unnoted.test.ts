import { createApiKey, setApproval } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createApiClient } from '../harness/api-client.ts'
import { serveApi } from './api-bundle.ts'
import { describeStore, identify, setup, validRecord } from './store-bundle.ts'

const [LISTED, ADDED] = ['https://app.example.net/cb', 'https://app.example.net/added']

describeStore('an answer made of two versions that cannot be noted', () => {
  it('CHG-09: is given all the same, and can be reported once it was given again', async () => {
    await using store = await setup()
    const clientId = identify()
    const publish = (client_name: string, redirect_uris: readonly string[]) =>
      store.fetch(clientId, (claim) => validRecord(claim, { client_name, redirect_uris }))
    await using api = await serveApi(store.url)
    const caller = createApiClient(
      () => api.baseUrl,
      await createApiKey(store.owner, store.tenant, ['resolve']),
    )
    await publish('First', [LISTED])
    const { digest: approved } = (await caller.resolve({ client_id: clientId })).body
    await publish('Second', [LISTED, ADDED])
    await setApproval(store.owner, { tenantId: store.tenant, clientId, digest: approved })
    const { ticket } = (await caller.refresh({ client_id: clientId })).body
    await publish('Second', [LISTED, ADDED])
    const report = async (digest: string) => {
      const body = JSON.stringify({ client_id: clientId, digest, kind: 'consent' })
      const headers = { 'content-type': 'application/json' }
      const answer = await caller.request('/v1/client/reports', { method: 'POST', headers, body })
      return [answer.status, answer.body.code]
    }

    await sql`revoke insert on cimd.effective_documents from cimd_api`.execute(store.owner)
    const given = await caller.resolve({ client_id: clientId })
    expect([given.status, given.body.document.redirect_uris]).toEqual([200, [LISTED]])
    const later = await caller.ticket(ticket, 5000)
    expect([later.status, later.body.digest]).toEqual([200, given.body.digest])
    expect(await report(given.body.digest)).toEqual([404, 'version_unknown'])

    await sql`grant insert on cimd.effective_documents to cimd_api`.execute(store.owner)
    expect((await caller.resolve({ client_id: clientId })).body.digest).toBe(given.body.digest)
    expect(await report(given.body.digest)).toEqual([200, undefined])
  })
})
