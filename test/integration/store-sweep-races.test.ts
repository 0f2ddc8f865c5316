import {
  deleteOldVersions,
  inTransaction,
  lockDueClients,
  lockDueResources,
  reportBinding,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { plant, plantResource } from './brake-bundle.ts'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

// A statement sees what was committed when it began, but locks a row as it is by then. Whoever had used a client in
// between would not be counted: the sweep would put it off for a day, or let it go.
describeStore('a use that ends between the beginning of a sweep and its lock', () => {
  it('is seen with the client it was of', async () => {
    await using store = await setup()
    const client = await unusedClient(store)
    const due = await usedMeanwhile(store, client, (trx) => lockDueClients(trx, 10))
    expect(due).toMatchObject([{ client, facts: { lastResolvedAt: expect.any(Date) } }])
    expect(due[0]?.facts.leasedUntil).toBeInstanceOf(Date)
  })

  it('is seen with its key set', async () => {
    await using store = await setup()
    const client = await unusedClient(store)
    await plantResource(store, client, 'jwks', 'status_404')
    await sql`update cimd.clients set dormant_since = cimd.cimd_now()`.execute(store.owner)
    await sql`update cimd.resources set due_at = cimd.cimd_now(), fresh_until = null`.execute(store.owner)
    const due = await usedMeanwhile(store, client, (trx) => lockDueResources(trx, 10))
    expect(due).toMatchObject([{ client, facts: { leasedUntil: expect.any(Date) } }])
  })
})

describeStore('a binding reported between the beginning of a pruning and its lock', () => {
  it('CHG-09: keeps the effective document it is of', async () => {
    await using store = await setup()
    const client = await unusedClient(store)
    await sql`
      with approved as (
        insert into cimd.versions (client_id, body, digest, content_type, rules_version, fetched_at)
        select client_id, body, digest, content_type, rules_version, fetched_at from cimd.versions returning id
      )
      insert into cimd.effective_documents
        (tenant_id, digest, client_ref, approved_version_id, current_version_id, given_at)
      select ${store.tenant}, '\\x01', c.id, a.id, c.version_id, cimd.cimd_now() - interval '100 days'
      from cimd.clients c, approved a`.execute(store.owner)
    await waitInsideOfStatements(store)
    const scheduler = store.open('cimd_scheduler', 1)
    await sql`set cimd_test.waits = 'on'`.execute(scheduler)
    const report = { client, digest: '01', kind: 'code', leaseSeconds: 600 } as const
    const { pruning } = await store.owner.transaction().execute(async (gate) => {
      await sql`select pg_advisory_xact_lock(${GATE})`.execute(gate)
      const kept = { versionsKept: 3, versionDays: 90, attemptDays: 90 }
      const pruning = deleteOldVersions(scheduler, kept, { limit: 10 })
      await store.untilBlocked()
      const boundUntil = await withTenant(store.api, store.tenant, (trx) => reportBinding(trx, report))
      expect(boundUntil).toBeInstanceOf(Date)
      return { pruning }
    })
    expect(await pruning).toMatchObject({ deleted: 0 })
  })
})

type Sweep<Due> = (trx: Parameters<typeof lockDueClients>[0]) => Promise<Due[]>

/** What the sweep finds if the client is used by a tenant after its statement has begun and before it locks anything. */
async function usedMeanwhile<Due>(store: TestStore, client: string, sweep: Sweep<Due>): Promise<Due[]> {
  await waitInsideOfStatements(store)
  const { swept } = await store.owner.transaction().execute(async (gate) => {
    await sql`select pg_advisory_xact_lock(${GATE})`.execute(gate)
    const swept = inTransaction(store.scheduler, async (trx) => {
      await sql`set local cimd_test.waits = 'on'`.execute(trx)
      return sweep(trx)
    })
    await store.untilBlocked()
    await withTenant(store.api, store.tenant, (trx) => touchInterest(trx, client))
    return { swept }
  })
  return swept
}

const GATE = 4711

/** Whoever asks for the time with `cimd_test.waits` set waits until the gate is open. Volatile, so that no planner asks. */
async function waitInsideOfStatements({ owner }: TestStore): Promise<void> {
  await sql`
    create or replace function cimd.cimd_now() returns timestamptz language plpgsql volatile as $$
    begin
      if current_setting('cimd_test.waits', true) = 'on' then
        perform pg_advisory_xact_lock_shared(${sql.lit(GATE)});
      end if;
      return (select now() + clock_offset from cimd.deployment);
    end $$`.execute(owner)
}

/** One client that is due and that nobody uses. */
async function unusedClient(store: TestStore): Promise<string> {
  await plant(store, 1)
  await sql`delete from cimd.interest`.execute(store.owner)
  await sql`update cimd.schedule set due_at = cimd.cimd_now()`.execute(store.owner)
  const { rows } = await sql<{ id: string }>`select id::text as id from cimd.clients`.execute(store.owner)
  return rows[0]?.id ?? ''
}
