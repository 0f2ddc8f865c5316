import { type Kysely, sql } from 'kysely'
import type { Settling } from '../settle.ts'

/** Claims that were lost, and what is set aside because it kills whoever works it. */
export async function createQuarantine(db: Kysely<unknown>): Promise<void> {
  for (const table of ['clients', 'resources']) await sql.raw(columnsOf(table)).execute(db)
  await sql.raw(GRANTS).execute(db)
}

export const QUARANTINE_SETTLING: Settling = {
  indexes: {},
  constraints: ['clients', 'resources'].map((table) => ({
    table: `cimd.${table}`,
    name: `${table}_quarantine`,
  })),
}

// On the row itself: they are read and written with the claim, and no index has them, so that the update stays HOT.
function columnsOf(table: string): string {
  return `
    alter table cimd.${table}
      -- In a row: their leases ran out. Older code neither counts nor forgets any.
      add column lost_claims integer not null default 0,
      add column quarantined_since timestamptz,
      -- Nothing is fetched before.
      add column quarantined_until timestamptz,
      add constraint ${table}_quarantine check (num_nulls(quarantined_since, quarantined_until) in (0, 2)) not valid;
  `
}

// A fetcher may write all of cimd.resources.
const GRANTS = `
  grant update (lost_claims, quarantined_since, quarantined_until) on cimd.clients to cimd_fetcher;
`
