import { createJudging } from '@cimd/scheduler'
import { withTenant } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { ADDED, LISTED, record, servePolicies } from './policy-bundle.ts'
import { describeStore, identify } from './store-bundle.ts'

const DAY = 24 * 60 * 60

describeStore('a trust policy at the api', () => {
  const { store, tenantOf } = servePolicies()

  it('POL-01: is put as versions that do not change, and only where it was to replace another', async () => {
    const { send, put } = await tenantOf()
    expect((await send('GET', '/v1/policy')).body).toMatchObject({ version: 0, policy: { mode: 'open' } })
    const first = await put({ mode: 'allowlist', allow: [{ domain: 'example.com' }] })
    expect(first.version).toBe(1)
    expect((await put({ mode: 'allowlist', allow: [{ domain: 'example.com' }] })).version).toBe(1)
    const policy = { text_plain: 'allow' }
    const outdated = await send('PUT', '/v1/policy', { policy, if_version: 0 })
    expect([outdated.status, outdated.body.code]).toEqual([409, 'policy_outdated'])
    expect((await send('PUT', '/v1/policy', { policy, if_version: 1 })).body.version).toBe(2)
    const { body } = await send('GET', '/v1/policy/versions?limit=1')
    expect(body).toMatchObject({ versions: [{ version: 2 }], next: 2 })
    expect((await send('GET', '/v1/policy/versions/1')).body.policy).toMatchObject({ mode: 'allowlist' })
    expect((await send('GET', '/v1/policy/versions/3')).body.code).toBe('policy_unknown')
  })

  it('POL-01: is refused with everything that is wrong with it', async () => {
    const { send } = await tenantOf()
    const policy = { mode: 'closed', block: [{ domain: 'co.uk' }], typo: 1 }
    const { status, body } = await send('PUT', '/v1/policy', { policy })
    expect([status, body.code]).toEqual([422, 'policy_invalid'])
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/mode',
      '/typo',
      '/block/0/domain',
    ])
  })

  it('POL-04: refuses who is not allowed before anything is demanded, with reasons', async () => {
    const { put, resolve, send } = await tenantOf()
    await put({ mode: 'allowlist', allow: [{ host: 'other.example.org' }] })
    const clientId = identify()
    const { status, body } = await resolve(clientId)
    expect([status, body.code]).toEqual([403, 'policy_denied'])
    expect(body.reasons).toEqual([
      { code: 'not_allowed', effect: 'refuse', rule: 'POL-02', at: '/allow', detail: expect.any(String) },
    ])
    const refreshed = await send('POST', '/v1/refresh', { client_id: clientId, subject: 'alice' })
    expect(refreshed.body.code).toBe('policy_denied')
    const { rows } = await sql`select from cimd.clients where client_id = ${clientId}`.execute(store().owner)
    expect(rows).toEqual([])
  })

  it('POL-05: is of one tenant alone, and revocation works whatever it says', async () => {
    const [bank, open] = [await tenantOf(), await tenantOf()]
    const clientId = identify()
    expect((await bank.publish(clientId)).status).toBe(200)
    expect((await open.publish(clientId)).status).toBe(200)
    await bank.put({ block: [{ host: 'client.example.net' }] })
    expect((await bank.resolve(clientId)).body.reasons).toMatchObject([{ code: 'blocked', at: '/block/0' }])
    expect((await open.resolve(clientId)).status).toBe(200)
    const revoked = await bank.resolve(clientId, { purpose: 'revoke' })
    expect([revoked.status, revoked.body.policy.decision]).toEqual([200, 'refused'])
  })

  it('DOC-11: gives what it permits alone, by every way, and the digest can be asked about later', async () => {
    const { put, publish, send } = await tenantOf()
    const clientId = identify()
    await put({ scopes: ['read'] })
    const { body } = await publish(clientId, { scope: 'read write' })
    expect(body.document.scope).toBe('read')
    expect(body.effective).toMatchObject({ removed: [{ member: 'scope' }], policy_version: 1 })
    await put({ scopes: ['read', 'write'] })
    const asked = `/v1/client/changes?${new URLSearchParams({ client_id: clientId, since: body.digest })}`
    const changes = await send('GET', asked)
    expect(changes.body).toMatchObject({ from_digest: body.digest, classes: ['widening'] })
    expect(changes.body.to_digest).toBe(body.effective.current_digest)
  })

  it('CHG-02: holds what a client gains beyond its first version until that is approved', async () => {
    const { put, publish, resolve, send, changes } = await tenantOf()
    const clientId = identify()
    await put({ changes: 'hold_widening' })
    const first = await publish(clientId)
    const second = await publish(clientId, { redirect_uris: [LISTED, ADDED] })
    expect(second.body.document.redirect_uris).toEqual([LISTED])
    const { current_digest: digest, baseline_digest } = second.body.effective
    expect(baseline_digest).toBe(first.body.digest)
    await changes()
    expect((await send('GET', '/v1/reviews')).body.reviews).toMatchObject([
      { client_id: clientId, digest, held: 'changes', reasons: [] },
    ])
    expect((await send('POST', '/v1/reviews/approve', { client_id: clientId, digest })).status).toBe(200)
    expect((await resolve(clientId)).body.document.redirect_uris).toEqual([LISTED, ADDED])
    await changes()
    expect((await send('GET', '/v1/reviews')).body.reviews).toEqual([])
  })

  it('CHG-02: asks for consent again for what a client gained since consent was reported', async () => {
    const { put, publish, resolve, send } = await tenantOf()
    const clientId = identify()
    await put({ changes: 'require_reconsent' })
    await publish(clientId)
    const { body } = await publish(clientId, { redirect_uris: [LISTED, ADDED] })
    expect(body.reconsent).toMatchObject([{ member: 'redirect_uris', after: [ADDED] }])
    const report = { client_id: clientId, digest: body.digest, kind: 'consent' }
    expect((await send('POST', '/v1/client/reports', report)).status).toBe(200)
    expect((await resolve(clientId)).body).not.toHaveProperty('reconsent')
  })

  it('POL-01: holds for review, tells of approval, of its end by the clock, and of a refusal with its reason', async () => {
    const { put, publish, resolve, send, changes } = await tenantOf()
    const clientId = identify()
    await put({ mode: 'review', approvals: { expire_after_days: 2 } })
    const held = await publish(clientId)
    expect([held.status, held.body.code]).toEqual([403, 'policy_held'])
    const { reviews } = (await send('GET', '/v1/reviews')).body
    expect(reviews).toMatchObject([
      { client_id: clientId, held: 'client', reasons: [{ code: 'review_pending' }] },
    ])
    const [{ digest }] = reviews
    const unseen = { client_id: clientId, digest: 'ab'.repeat(32) }
    expect((await send('POST', '/v1/reviews/approve', unseen)).body.code).toBe('version_unknown')
    await send('POST', '/v1/reviews/approve', { client_id: clientId, digest })
    expect((await resolve(clientId)).body.policy).toMatchObject({ version: 1, decision: 'admitted' })
    expect(await changes()).toMatchObject([{ client_id: clientId, from: 'held', to: 'admitted' }])
    await store().moveClock(2 * DAY + 1)
    expect((await resolve(clientId, { purpose: 'token' })).status).not.toBe(200)
    expect(await changes()).toHaveLength(2)
    expect((await changes())[1]).toMatchObject({ from: 'admitted', to: 'held', codes: ['review_pending'] })
    await store().moveClock(0)
    await send('POST', '/v1/reviews/refuse', { client_id: clientId, digest, reason: 'Not a partner.' })
    const refused = await resolve(clientId)
    expect(refused.body).toMatchObject({ code: 'policy_denied', detail: 'Not a partner.' })
    expect((await changes())[2]).toMatchObject({ from: 'held', to: 'refused' })
    expect((await send('DELETE', `/v1/reviews?client_id=${encodeURIComponent(clientId)}`)).status).toBe(204)
    expect((await resolve(clientId)).body.code).toBe('policy_held')
  })

  it('POL-05: tells its tenant alone what a new policy decides otherwise, as the dry run said', async () => {
    const [mine, other] = [await tenantOf(), await tenantOf()]
    const [wide, narrow] = [identify(), identify()]
    await mine.publish(wide, { redirect_uris: ['https://elsewhere.example/cb'] })
    await mine.publish(narrow)
    await other.publish(wide, { redirect_uris: ['https://elsewhere.example/cb'] })
    const policy = { redirects: { cross_host: 'refuse' } }
    const dry = (await mine.send('POST', '/v1/policy/dry-run', { policy })).body
    expect(dry.summary).toMatchObject({ clients: 2, newly_refused: 1, same: 1 })
    expect(dry.clients).toMatchObject([
      { client_id: wide, difference: 'newly_refused', added: [{ code: 'redirect_cross_host' }], removed: [] },
    ])
    await mine.put(policy)
    expect(await mine.changes()).toMatchObject([
      { client_id: wide, from: 'admitted', to: 'refused', policy_version: 1, rules: ['RED-06'] },
    ])
    expect(await mine.changes()).toHaveLength(1)
    expect(await other.changes()).toEqual([])
    expect((await mine.resolve(wide)).body.code).toBe('policy_denied')
    expect((await mine.resolve(narrow)).status).toBe(200)
  })

  it('POL-05: tells that another document changed the decision', async () => {
    const { put, publish, changes } = await tenantOf()
    const clientId = identify()
    await put({ redirects: { cross_host: 'refuse' } })
    await publish(clientId)
    expect(await changes()).toEqual([])
    expect((await publish(clientId, { redirect_uris: ['https://elsewhere.example/cb'] })).status).toBe(403)
    expect(await changes()).toMatchObject([{ from: 'admitted', to: 'refused' }])
  })

  it('POL-01: only reports what a candidate would have done', async () => {
    const { send, publish, resolve } = await tenantOf()
    const clientId = identify()
    await publish(clientId)
    const candidate = { policy: { block: [{ domain: 'example.net' }] } }
    expect((await send('PUT', '/v1/policy/report-only', candidate)).body.version).toBe(1)
    expect((await resolve(clientId)).status).toBe(200)
    const { body } = await send('GET', '/v1/policy/report-only')
    expect(body.clients).toMatchObject([{ client_id: clientId, difference: 'newly_refused', minutes: 1 }])
    expect((await send('GET', '/v1/policy')).body.version).toBe(0)
    expect((await send('DELETE', '/v1/policy/report-only')).status).toBe(204)
    const none = {
      status: 404,
      body: { code: 'policy_unknown', detail: expect.stringContaining('No policy is') },
    }
    expect(await send('GET', '/v1/policy/report-only')).toMatchObject(none)
    expect(await send('DELETE', '/v1/policy/report-only')).toMatchObject(none)
  })

  it('POL-03, FET-27: admits who was registered, whose document stays in the mode frozen', async () => {
    const { tenant, put, send, resolve } = await tenantOf()
    await put({ mode: 'pre_registered' })
    const clientId = identify()
    expect((await resolve(clientId)).body.reasons).toMatchObject([{ code: 'not_pre_registered' }])
    const registered = await send('PUT', '/v1/registrations', { client_id: clientId, mode: 'frozen' })
    expect(registered.status).toBe(202)
    await record(store(), clientId, { client_name: 'First' })
    await createJudging(store().scheduler)(() => false)
    await store().demand(clientId, { tenant: store().otherTenant, forced: true })
    await record(store(), clientId, { client_name: 'Second' })
    const { body } = await resolve(clientId)
    expect(body).toMatchObject({ registration: 'frozen', document: { client_name: 'First' } })
    const refreshed = await send('POST', '/v1/refresh', { client_id: clientId, subject: 'alice' })
    expect(refreshed.body.code).toBe('registration_frozen')
    await send('PUT', '/v1/registrations', { client_id: clientId, mode: 'manual' })
    await record(store(), clientId, { client_name: 'Third' })
    await createJudging(store().scheduler)(() => false)
    expect((await resolve(clientId)).body.document.client_name).toBe('Third')
    expect((await send('GET', '/v1/registrations')).body.registrations).toMatchObject([
      { client_id: clientId, mode: 'manual' },
    ])
    const path = `/v1/registrations?client_id=${encodeURIComponent(clientId)}`
    expect((await send('DELETE', path)).status).toBe(204)
    expect((await resolve(clientId)).body.code).toBe('policy_denied')
    expect(tenant).not.toBe(store().otherTenant)
  })

  it('POL-04: admits nobody by a policy that cannot be read, except to revoke', async () => {
    const { tenant, publish, resolve } = await tenantOf()
    const clientId = identify()
    await publish(clientId)
    await sql`insert into cimd.policies (tenant_id, version, policy, digest, created_by)
      values (${tenant}, 1, '{"mode":"later"}', sha256('x'), 'a later release')`.execute(store().owner)
    await sql`update cimd.tenants set policy_version = 1 where id = ${tenant}`.execute(store().owner)
    const { status, body } = await resolve(clientId)
    expect([status, body.code]).toEqual([503, 'policy_unreadable'])
    expect((await resolve(clientId, { purpose: 'revoke' })).status).toBe(200)
  })

  it('shows the rows of a tenant to nobody else, by the database alone', async () => {
    const { tenant, put, publish } = await tenantOf()
    await put({ changes: 'hold_widening' })
    const clientId = identify()
    await publish(clientId)
    const count = (as: string) =>
      withTenant(store().api, as, async (trx) => {
        const { rows } = await sql<{ n: number }>`
          select (select count(*) from cimd.policies) + (select count(*) from cimd.decisions) as n`.execute(
          trx,
        )
        return rows[0]?.n
      })
    expect(await count(tenant)).toBe(2)
    expect(await count(store().otherTenant)).toBe(0)
    const foreign = withTenant(store().api, store().otherTenant, (trx) =>
      sql`insert into cimd.policies (tenant_id, version, policy, digest, created_by)
        values (${tenant}, 9, '{}', sha256('x'), 'x')`.execute(trx),
    )
    await expect(foreign).rejects.toThrow('row-level security')
  })

  it('writes a decision once, however often it is asked for', async () => {
    const { tenant, put, publish, resolve, send } = await tenantOf()
    await put({ mode: 'review' })
    const clientId = identify()
    await publish(clientId)
    const row = async () => {
      const { rows } = await sql<{
        xmin: string
      }>`select xmin::text from cimd.decisions where tenant_id = ${tenant}`.execute(store().owner)
      return rows
    }
    const before = await row()
    expect(before).toHaveLength(1)
    for (let n = 0; n < 3; n += 1) await resolve(clientId)
    expect(await row()).toEqual(before)
    // Registered as it is, while the same bytes are published once more.
    await send('PUT', '/v1/registrations', { client_id: clientId, mode: 'frozen' })
    for (const client_name of ['A client', 'Another', 'A client']) {
      await record(store(), clientId, { client_name })
      await createJudging(store().scheduler)(() => false)
      await store().demand(clientId, { tenant, forced: true })
    }
    await put({ mode: 'review', ports: [443] })
    await createJudging(store().scheduler)(() => false)
    const settled = await row()
    await resolve(clientId)
    expect(await row()).toEqual(settled)
  })
})
