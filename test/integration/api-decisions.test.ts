import { createJudging } from '@cimd/scheduler'
import { doneKey, findDueDecisions, notify, recordAttempt, tryLockJudging, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { ADDED, LISTED, record, servePolicies } from './policy-bundle.ts'
import { describeStore, identify, validRecord } from './store-bundle.ts'

describeStore('what becomes of a decision', () => {
  const { store, tenantOf } = servePolicies()

  it('POL-05: tells of a refusal and its end where the tenant has written no policy', async () => {
    const { publish, send, changes } = await tenantOf()
    const clientId = identify()
    const { digest } = (await publish(clientId)).body
    await send('POST', '/v1/reviews/refuse', { client_id: clientId, digest, reason: 'Not a partner.' })
    expect(await changes()).toMatchObject([{ from: 'admitted', to: 'refused', codes: ['review_refused'] }])
    await send('DELETE', `/v1/reviews?${new URLSearchParams({ client_id: clientId })}`)
    expect((await changes())[1]).toMatchObject({ from: 'refused', to: 'admitted' })
    expect(await changes()).toHaveLength(2)
  })

  it('POL-05: tells what a new policy decides otherwise of a client that is asked for before it was judged', async () => {
    const { put, publish, resolve, changes } = await tenantOf()
    const clientId = identify()
    await publish(clientId, { redirect_uris: ['https://elsewhere.example/cb'] })
    await put({ redirects: { cross_host: 'refuse' } })
    expect((await resolve(clientId)).body.code).toBe('policy_denied')
    expect(await changes()).toMatchObject([{ from: 'admitted', to: 'refused' }])
    expect(await changes()).toHaveLength(1)
  })

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

  it('POL-03: tells that a registration was what admitted a client', async () => {
    const { put, publish, send, resolve, changes } = await tenantOf()
    const clientId = identify()
    await publish(clientId)
    await put({ mode: 'pre_registered' })
    expect(await changes()).toHaveLength(1)
    await send('PUT', '/v1/registrations', { client_id: clientId, mode: 'periodic' })
    expect((await changes())[1]).toMatchObject({ from: 'refused', to: 'admitted' })
    await send('DELETE', `/v1/registrations?${new URLSearchParams({ client_id: clientId })}`)
    expect((await resolve(clientId)).status).toBe(403)
    expect((await changes())[2]).toMatchObject({ from: 'admitted', to: 'refused' })
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
    await createJudging(store().scheduler)(() => false)
    await store().demand(clientId, { tenant, forced: true })
    await record(store(), clientId, { client_name: 'Second' })
    expect((await resolve(clientId)).body.document.client_name).toBe('First')
  })

  it('POL-05: tells what was decided by a policy that was replaced while somebody waited', async () => {
    const { tenant, put, resolve, changes } = await tenantOf()
    const clientId = identify()
    await put({ ports: [443] })
    const waiting = resolve(clientId, { wait_ms: 10_000 })
    await expect.poll(() => isUsed(tenant)).toBe(true)
    await put({ block: [{ host: 'client.example.net' }] })
    expect(await changes()).toEqual([])
    await record(store(), clientId, {})
    await notify(store().fetcher, [{ channel: 'cimd_done', payload: doneKey(clientId) }])
    expect((await waiting).status).toBe(200)
    expect(await changes()).toMatchObject([{ from: 'admitted', to: 'refused', codes: ['blocked'] }])
  })

  it('POL-01: shows the reasons of the policy in force to whoever reviews', async () => {
    const { put, publish, send, changes } = await tenantOf()
    const clientId = identify()
    await put({ mode: 'review' })
    await publish(clientId, { token_endpoint_auth_method: 'private_key_jwt' })
    await put({ warnings: { keys_missing: 'hold' } })
    expect(await changes()).toEqual([])
    expect((await send('GET', '/v1/reviews')).body.reviews).toMatchObject([
      { client_id: clientId, held: 'client', reasons: [{ code: 'document_warning' }] },
    ])
  })

  it('POL-05: tells of a refusal while the client is being judged by a new policy', async () => {
    const { tenant, put, publish, send, changes } = await tenantOf()
    const [first, second] = [identify(), identify()]
    await publish(first, { redirect_uris: ['https://elsewhere.example/cb'] })
    const { digest } = (await publish(second)).body
    const refusal = { client_id: second, digest, reason: 'Not a partner.' }
    await put({ redirects: { cross_host: 'refuse' } })
    const release = await keepFromTelling(tenant)
    const judged = changes()
    await store().untilBlocked()
    // Nothing is noted of the second yet, so that nothing of it is locked.
    expect((await send('POST', '/v1/reviews/refuse', refusal)).status).toBe(200)
    await release()
    expect(await judged).toMatchObject([{ client_id: first }])
    expect((await changes())[1]).toMatchObject({ client_id: second, from: 'admitted', to: 'refused' })
    expect(await changes()).toHaveLength(2)
  })

  it('POL-05: has a refusal wait while what is noted of the client is judged', async () => {
    const { tenant, put, publish, send, changes } = await tenantOf()
    const [first, second] = [identify(), identify()]
    await put({ ports: [443] })
    for (const clientId of [first, second]) await publish(clientId)
    const digest = (await publish(second)).body.digest
    await put({ mode: 'review' })
    const release = await keepFromTelling(tenant)
    const judged = changes()
    await store().untilBlocked()
    const refusal = send('POST', '/v1/reviews/refuse', {
      client_id: second,
      digest,
      reason: 'Not a partner.',
    })
    await store().untilBlocked(2)
    await release()
    expect(await judged).toHaveLength(2)
    expect((await refusal).status).toBe(200)
    expect((await changes())[2]).toMatchObject({ client_id: second, from: 'held', to: 'refused' })
    expect(await changes()).toHaveLength(3)
  })

  it('POL-05: has nobody wait for a tenant that uses many clients and changes its policy', async () => {
    const [large, small, third] = [await tenantOf(), await tenantOf(), await tenantOf()]
    for (let n = 0; n < 120; n += 1) {
      const { client } = await store().demand(identify(), { tenant: large.tenant })
      await recordAttempt(store().fetcher, validRecord(await store().claim(client)))
    }
    await small.publish(identify())
    const other = identify()
    const { digest } = (await third.publish(other)).body
    await createJudging(store().scheduler)(() => false)
    for (const { put } of [large, small]) await put({ mode: 'review' })
    const judge = createJudging(store().scheduler, { turnMs: 0 })
    const turn = () => judge(() => false)
    const [first, second] = [await turn(), await turn()]
    // A slice of the one, and the only client of the other.
    expect([first.judged, second.judged].toSorted((a, b) => a - b)).toEqual([1, 50])
    await third.send('POST', '/v1/reviews/refuse', { client_id: other, digest, reason: 'Not a partner.' })
    const turns = [await turn(), await turn(), await turn()]
    expect(turns.map(({ judged }) => judged)).toEqual([51, 20, 0])
    expect(turns[0]?.tenants).toContain(third.tenant)
  }, 60_000)

  it('POL-05: goes on where it was after another scheduler was at it', async () => {
    const { tenant, put } = await tenantOf()
    await createJudging(store().scheduler)(() => false)
    for (let n = 0; n < 70; n += 1) {
      const { client } = await store().demand(identify(), { tenant })
      await recordAttempt(store().fetcher, validRecord(await store().claim(client)))
    }
    await put({ mode: 'review' })
    const judge = createJudging(store().scheduler, { turnMs: 0 })
    const turn = async () => (await judge(() => false)).judged
    expect(await turn()).toBe(50)
    const beside = withTenant(store().owner, tenant, async (trx) => {
      expect(await tryLockJudging(trx)).toBe(true)
      return turn()
    })
    expect(await beside).toBe(0)
    expect([await turn(), await turn()]).toEqual([20, 0])
  })

  it('POL-05: judges again when an approval ends that was the first that was noted', async () => {
    const { tenant, put, send } = await tenantOf()
    await put({ mode: 'review', approvals: { expire_after_days: 2 } })
    await createJudging(store().scheduler)(() => false)
    const clientId = identify()
    await store().demand(clientId, { tenant })
    await record(store(), clientId, {})
    const { digest } = await store()
      .owner.selectFrom('cimd.versions')
      .select(sql<string>`encode(digest, 'hex')`.as('digest'))
      .where('client_id', '=', clientId)
      .executeTakeFirstOrThrow()
    await send('POST', '/v1/reviews/approve', { client_id: clientId, digest })
    await createJudging(store().scheduler)(() => false)
    const { rows } = await sql<{ is_due: boolean }>`
      select d.due_at = a.expires_at as is_due
      from cimd.decisions d join cimd.approvals a using (tenant_id, client_ref) where tenant_id = ${tenant}`.execute(
      store().owner,
    )
    expect(rows).toEqual([{ is_due: true }])
  })

  it('POL-05: has nobody wait for a tenant of which very much is due', async () => {
    const [large, small] = [await tenantOf(), await tenantOf()]
    await createJudging(store().scheduler)(() => false)
    await sql`with c as (
        insert into cimd.clients (client_id, host) select 'https://due.example.net/' || n, 'due.example.net' from generate_series(1, 40) n
        returning id
      ) insert into cimd.decisions (tenant_id, client_ref, due_at)
        select ${large.tenant}, id, cimd.cimd_now() - interval '1 day' from c`.execute(store().owner)
    const clientId = identify()
    const { digest } = (await small.publish(clientId)).body
    await small.send('POST', '/v1/reviews/refuse', { client_id: clientId, digest, reason: 'Not a partner.' })
    const due = await findDueDecisions(store().scheduler, 10)
    expect(due.find(({ tenantId }) => tenantId === small.tenant)?.clients).toHaveLength(1)
    expect(due.find(({ tenantId }) => tenantId === large.tenant)?.clients).toHaveLength(9)
  })

  const isUsed = (tenant: string) =>
    withTenant(store().api, tenant, async (trx) => {
      const { rows } = await sql`select from cimd.interest where tenant_id = ${tenant}`.execute(trx)
      return rows.length > 0
    })

  /** Keeps the scheduler in the middle of its transaction until what is returned is called. */
  async function keepFromTelling(tenant: string): Promise<() => Promise<void>> {
    const [held, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holding = store()
      .owner.transaction()
      .execute(async (trx) => {
        await sql`select from cimd.tenants where id = ${tenant} for no key update`.execute(trx)
        held.resolve()
        await released.promise
      })
    await held.promise
    return () => {
      released.resolve()
      return holding
    }
  }
})
