import {
  chainAudit,
  closeDb,
  deleteCutAudit,
  noteAudit,
  noteAuditCut,
  noteOldAuditCuts,
  openDb,
  readAudit,
  readAuditState,
  recordAttempt,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { chainAll, chainOf, decided, exportOf, noteAs, PSEUDONYM, verifyLines } from './audit-bundle.ts'
import { createGate, describeStore, failedRecord, identify, setup, validRecord } from './store-bundle.ts'

describeStore('the audit of a tenant', () => {
  it('is a chain without gaps, of its own for each tenant', async () => {
    await using store = await setup()
    await chainOf(store, 3)
    await noteAs(store.api, decided(store.otherTenant))
    expect(await chainAll(store)).toBe(1)
    const own = verifyLines(await exportOf(store.api, store.tenant))
    expect(own).toMatchObject({ ok: true, entries: 3, head: { seq: 3 } })
    const state = await withTenant(store.api, store.tenant, (trx) => readAuditState(trx, store.tenant))
    expect(state).toEqual({ head: own.head, cut: undefined })
    expect(verifyLines(await exportOf(store.api, store.otherTenant))).toMatchObject({ ok: true, entries: 1 })
  })

  it('is empty at first, and can be exported and verified', async () => {
    await using store = await setup()
    expect(verifyLines(await exportOf(store.api, store.tenant))).toMatchObject({ ok: true, entries: 0 })
    expect(await chainAudit(store.scheduler, 10)).toEqual({ more: false, chained: 0, refused: [] })
  })

  it('has what was rolled back with the transaction it was noted in nowhere', async () => {
    await using store = await setup()
    const failing = withTenant(store.api, store.tenant, async (trx) => {
      await noteAudit(trx, decided(store.tenant))
      throw new Error('and then it failed')
    })
    await expect(failing).rejects.toThrow('and then it failed')
    expect(await chainAll(store)).toBe(0)
  })

  it('takes up what commits late with a lower id, later', async () => {
    await using store = await setup()
    const [gate, noted] = [createGate(), createGate()]
    const late = withTenant(store.api, store.tenant, async (trx) => {
      await noteAudit(trx, decided(store.tenant, 'https://late.example.net/'))
      await sql`select 1`.execute(trx)
      noted.open()
      await gate.opened
    })
    await noted.opened
    await noteAs(store.api, decided(store.tenant, 'https://early.example.net/'))
    expect(await chainAll(store)).toBe(1)
    gate.open()
    await late
    expect(await chainAll(store)).toBe(1)
    const found = await withTenant(store.api, store.tenant, (trx) => readAudit(trx, { limit: 10 }))
    expect(found.map(({ entry }) => entry['client_id'])).toEqual([
      'https://early.example.net/',
      'https://late.example.net/',
    ])
    expect(verifyLines(await exportOf(store.api, store.tenant)).ok).toBe(true)
  })

  it('leaves out what is no entry, and tells of it', async () => {
    await using store = await setup()
    await sql`insert into cimd.audit_pending (tenant_id, kind, actor, data)
      values (${store.tenant}, 'resolve.decided', '{"kind":"key","id":"x"}', '{"share": 0.5}')`.execute(
      store.owner,
    )
    await noteAs(store.api, decided(store.tenant))
    const { more, chained, refused } = await chainAudit(store.scheduler, 10)
    expect([more, chained]).toEqual([false, 1])
    expect(refused).toEqual([
      expect.objectContaining({ kind: 'resolve.decided', detail: expect.any(String) }),
    ])
  })

  it('chains kinds of a newer release too', async () => {
    await using store = await setup()
    await sql`insert into cimd.audit_pending (tenant_id, kind, actor, data)
      values (${store.tenant}, 'later.kind', '{"kind":"key","id":"x"}', '{"later": 1}')`.execute(store.owner)
    expect(await chainAll(store)).toBe(1)
    expect(verifyLines(await exportOf(store.api, store.tenant))).toMatchObject({ ok: true, unknownKinds: 1 })
  })

  it('is found by client, subject, time and place, each tenant its own alone', async () => {
    await using store = await setup()
    await noteAs(store.api, decided(store.tenant, 'https://one.example.net/'))
    await noteAs(store.api, { ...decided(store.tenant, 'https://two.example.net/'), subject: undefined })
    await noteAs(store.api, decided(store.otherTenant, 'https://one.example.net/'))
    await chainAll(store)
    const find = async (query: Partial<Parameters<typeof readAudit>[1]>, tenant = store.tenant) =>
      (await withTenant(store.api, tenant, (trx) => readAudit(trx, { limit: 10, ...query }))).map(
        ({ seq }) => seq,
      )
    const { now } =
      (await sql<{ now: Date }>`select cimd.cimd_now() as now`.execute(store.owner)).rows[0] ?? {}
    expect(await find({})).toEqual([1, 2])
    expect(await find({ clientId: 'https://two.example.net/' })).toEqual([2])
    expect(await find({ subject: PSEUDONYM })).toEqual([1])
    expect(await find({ from: now })).toEqual([])
    expect(await find({ to: now })).toEqual([1, 2])
    expect(await find({ after: 1 })).toEqual([2])
    expect(await find({ limit: 1 })).toEqual([1])
    expect(await find({}, store.otherTenant)).toEqual([1])
  })
})

describeStore('a month of a long audit', () => {
  it.each([
    ['audit_pkey', {}, '0'],
    [
      'audit_client',
      { clientId: 'https://app.example.net/client.json' },
      "0, 'https://app.example.net/client.json'",
    ],
    ['audit_subject', { subject: PSEUDONYM }, `0, '${PSEUDONYM}'`],
  ] as const)('is found without reading the entries before it: %s', async (index, query, values) => {
    await using store = await setup()
    const from = new Date('2026-03-01')
    const plan = await withTenant(store.api, store.tenant, async (trx) => {
      await sql
        .raw('set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off')
        .execute(trx)
      await readAudit(trx, { ...query, from, limit: 10 })
      const { rows } = await sql<{ name: string }>`
        select name from pg_prepared_statements where statement like '%from cimd.audit a%'`.execute(trx)
      const explain = `explain execute ${rows[0]?.name}(${values}, '${from.toISOString()}', 10)`
      return (await sql.raw<Record<string, string>>(explain).execute(trx)).rows
    })
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain(
      `Index Only Scan using ${index} on audit a`,
    )
  })
})

describeStore('what an attempt puts into the audit', () => {
  const audited = {
    resource: 'document',
    outcome: 'fetched',
    address_class: 'public',
    cache: { conditional: false },
  } as const
  const entriesOf = async (store: Awaited<ReturnType<typeof setup>>, tenant: string) =>
    (await withTenant(store.api, tenant, (trx) => readAudit(trx, { limit: 10 }))).map(({ entry }) => [
      entry.kind,
      entry['client_id'],
    ])

  it('is in the chain of every tenant that used the client by then, and of none that came later', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId, (claim) => ({ ...validRecord(claim), audited }))
    await chainAll(store)
    await store.demand(clientId, { tenant: store.otherTenant, forced: true })
    await store.fetch(clientId, (claim) => ({ ...failedRecord(claim, 'status_5xx'), audited }))
    await chainAll(store)
    expect(await entriesOf(store, store.tenant)).toEqual([
      ['fetch.recorded', clientId],
      ['fetch.recorded', clientId],
    ])
    expect(await entriesOf(store, store.otherTenant)).toEqual([['fetch.recorded', clientId]])
  })

  it('is nowhere where the claim was lost, as all else of it', async () => {
    await using store = await setup()
    const { client } = await store.demand(identify())
    const claim = await store.claim(client)
    await sql`update cimd.clients set claim_token = null, claim_until = null, claimed = null`.execute(
      store.owner,
    )
    await recordAttempt(store.fetcher, { ...validRecord(claim), audited })
    expect(await chainAll(store)).toBe(0)
  })
})

describeStore('a retention cut of the audit', () => {
  const actor = { kind: 'operator', id: 'cimd' } as const

  it('lets go what is older, leaves a chain that says so, and goes no further than it says', async () => {
    await using store = await setup()
    await chainOf(store, 3)
    await store.moveClock(60)
    await chainOf(store, 2)
    const first = (await readAll(store)).at(3)
    const before = new Date(String(first?.entry['at']))
    const anchor = await noteAuditCut(store.scheduler, store.tenant, { before, actor })
    expect(anchor).toMatchObject({ seq: 3, count: 3 })
    expect(await deleteCutAudit(store.scheduler, 100)).toBe(0)
    await chainAll(store)
    // Told of the cut chain from the moment it is chained, whatever is deleted by then.
    const cut = await exportOf(store.api, store.tenant)
    expect(verifyLines(cut)).toMatchObject({ ok: true, head: { seq: 6 } })
    expect(await deleteCutAudit(store.scheduler, 1)).toBe(1)
    while ((await deleteCutAudit(store.scheduler, 100)) > 0);
    expect(await exportOf(store.api, store.tenant)).toEqual(cut)
    const { rows } = await sql<{ first: number }>`select min(seq) as first from cimd.audit`.execute(
      store.owner,
    )
    expect(rows).toEqual([{ first: 4 }])
  })

  it('is refused where another one came before it', async () => {
    await using store = await setup()
    await chainOf(store, 3)
    const before = new Date('2100-01-01')
    await noteAuditCut(store.scheduler, store.tenant, { before, actor })
    await noteAuditCut(store.scheduler, store.tenant, { before, actor })
    const { chained, refused } = await chainAudit(store.scheduler, 10)
    expect([chained, refused.length]).toEqual([1, 1])
    expect(verifyLines(await exportOf(store.api, store.tenant))).toMatchObject({ ok: true, entries: 1 })
  })

  it('is refused where it names no hash, and holds up nothing', async () => {
    await using store = await setup()
    await chainOf(store, 2)
    const data = { anchor_seq: 1, anchor_hash: 'no hash', count: 1 }
    await sql`insert into cimd.audit_pending (tenant_id, kind, actor, data) values (${store.tenant}, 'retention.cut',
      ${JSON.stringify(actor)}::jsonb, ${JSON.stringify(data)}::jsonb)`.execute(store.operator)
    await noteAs(store.api, decided(store.otherTenant))
    const { chained, refused } = await chainAudit(store.scheduler, 10)
    expect([chained, refused.length]).toEqual([1, 1])
  })

  it('comes by itself once a day, of what is older than so many days', async () => {
    await using store = await setup()
    await chainOf(store, 3)
    expect(await noteOldAuditCuts(store.scheduler, 30)).toBe(0)
    await store.moveClock(31 * 24 * 60 * 60)
    await chainOf(store, 1)
    expect(await noteOldAuditCuts(store.scheduler, 30)).toBe(3)
    expect(await noteOldAuditCuts(store.scheduler, 30)).toBe(0)
    await chainAll(store)
    expect(await noteOldAuditCuts(store.scheduler, 30)).toBe(0)
    expect(await deleteCutAudit(store.scheduler, 100)).toBe(3)
    expect(verifyLines(await exportOf(store.api, store.tenant))).toMatchObject({ ok: true, entries: 2 })
  })

  it('deletes as fast where a chain has been cut every day for ten years', async () => {
    await using store = await setup()
    const [rows, cuts, tenants] = [1000, 3650, 20]
    await sql
      .raw(`alter table cimd.audit disable trigger all;
        insert into cimd.tenants (name) select 'cut' || i from generate_series(1, ${tenants}) i;
        insert into cimd.audit (tenant_id, seq, entry, hash, previous_hash)
        select t.id, s, jsonb_build_object('tenant', t.id, 'seq', s, 'at', '2026-01-01T00:00:00.000Z',
          'kind', case when s > ${rows} then 'retention.cut' else 'resolve.decided' end,
          'data', jsonb_build_object('anchor_seq', case when s = ${rows + cuts} then ${rows} else 1 end)), sha256(''), sha256('')
        from cimd.tenants t, generate_series(1, ${rows + cuts}) s where t.name like 'cut%';
        insert into cimd.audit_heads
        select id, ${rows + cuts}, sha256(''), ${rows}, sha256(''), ${rows}, now() from cimd.tenants where name like 'cut%';
        alter table cimd.audit enable trigger all; analyze cimd.audit;`)
      .execute(store.owner)
    // With the statement timeout of a service.
    await using stack = new AsyncDisposableStack()
    const scheduler = openDb({ url: store.url, role: 'cimd_scheduler', onError: () => {} })
    stack.defer(() => closeDb(scheduler))
    expect(await deleteCutAudit(scheduler, rows)).toBe(rows * tenants)
  })

  const readAll = (store: Awaited<ReturnType<typeof setup>>) =>
    withTenant(store.api, store.tenant, (trx) => readAudit(trx, { limit: 100 }))
})
