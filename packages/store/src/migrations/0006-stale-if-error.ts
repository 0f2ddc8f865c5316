import { type Kysely, sql } from 'kysely'

/** How long an origin lets an outage last after freshness: null where it did not say (RFC 5861 section 4, CAC-13). */
export async function addStaleIfError(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    alter table cimd.clients add column stale_if_error_seconds integer check (stale_if_error_seconds >= 0);
    grant update (stale_if_error_seconds) on cimd.clients to cimd_fetcher;
  `)
    .execute(db)
}
