import type { Db } from '@cimd/store'
import { sql } from 'kysely'

/** How far it is to where the next window of a host, a domain or the fleet begins, which each has at a time of its own. */
export async function secondsToWindow(db: Db, name: string): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from cimd.fetch_window_start(${name}, cimd.cimd_now(), 60) - cimd.cimd_now())::float8 + 60
      as seconds`.execute(db)
  return rows[0]?.seconds ?? 0
}
