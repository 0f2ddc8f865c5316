import { claimClient, type Db, recordAttempt } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { CLAIM_LEASE_SECONDS, describeStore, identify, setup, validRecord } from './store-bundle.ts'

const REFRESHES = 10

describeStore('a conditional refresh', () => {
  it('updates the row of the client without touching an index (HOT), from the demand to the record', async () => {
    await using store = await setup({ connectionsMax: 1 })
    const clientId = identify()
    await store.fetch(clientId)
    const before = await updates(store.owner, [store.api, store.fetcher])
    for (let n = 0; n < REFRESHES; n += 1) {
      const { client } = await store.demand(clientId)
      const claim = await claimClient(store.fetcher, client, CLAIM_LEASE_SECONDS)
      if (claim === undefined) throw new Error('there was nothing to claim')
      const record = validRecord(claim)
      expect(record.outcome).toBe('not_modified')
      await recordAttempt(store.fetcher, record)
    }
    const after = await updates(store.owner, [store.api, store.fetcher])
    expect(after.all - before.all).toBe(3 * REFRESHES)
    expect(after.hot - before.hot).toBe(3 * REFRESHES)
  })
})

// Each connection counts for itself and tells it now and then; these are told to tell it at once.
async function updates(owner: Db, counting: readonly Db[]): Promise<{ all: number; hot: number }> {
  for (const db of counting) {
    await sql`select pg_stat_force_next_flush()`.execute(db)
    await sql`select 1`.execute(db)
  }
  const { rows } = await sql<{ all: number; hot: number }>`
    select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables
    where schemaname = 'cimd' and relname = 'clients'`.execute(owner)
  return rows[0] ?? { all: -1, hot: -1 }
}
