import { type Kysely, sql } from 'kysely'

/** Why subscribers were told that a client is stale, so that they hear it once, and that it has recovered. */
export async function addStaleAnnounced(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    -- Code of the failure; null: nobody waits to hear that it has recovered. Older code leaves it as it is.
    alter table cimd.clients add column stale_announced_code text;
    grant update (stale_announced_code) on cimd.clients to cimd_fetcher, cimd_scheduler;
  `)
    .execute(db)
}
