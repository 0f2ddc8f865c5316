import { sql } from 'kysely'
import type { Db } from './db.ts'

/** A row of a fetcher that ended without a word goes after this long; so does one from a time that is not yet. */
const KEPT_MINUTES = 60

/** Says that this fetcher takes jobs. */
export async function signLife(db: Db, id: string): Promise<void> {
  await sql`
    insert into cimd.fetchers (id, seen_at) values (${id}, cimd.cimd_now())
    on conflict (id) do update set seen_at = cimd.cimd_now()`.execute(db)
}

/** Says that it takes none any more. */
export async function endLife(db: Db, id: string): Promise<void> {
  await sql`delete from cimd.fetchers where id = ${id}`.execute(db)
}

/** Deletes the signs of fetchers that are long gone; returns how many. */
export async function deleteGoneFetchers(db: Db): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.fetchers
    where seen_at not between cimd.cimd_now() - make_interval(mins => ${KEPT_MINUTES})
      and cimd.cimd_now() + make_interval(mins => ${KEPT_MINUTES})`.execute(db)
  return Number(numAffectedRows)
}
