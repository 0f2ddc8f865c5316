import { sql } from 'kysely'
import type { Db } from './db.ts'

/** What of a client was released from quarantine. */
export type ReleasedQuarantine = { readonly document: boolean; readonly resources: readonly string[] }

/**
 * Ends the quarantine of a client and of what it names, and has them fetched at once, used by anybody or not: once more in a
 * process of its own, since the claims that were lost still count.
 */
export async function releaseQuarantine(db: Db, clientId: string): Promise<ReleasedQuarantine> {
  const { rows } = await sql<ReleasedQuarantine>`
    with held as (
      select id from cimd.clients where client_id = ${clientId} for no key update
    ), document as (
      update cimd.clients c set ${RELEASED} from held where c.id = held.id and c.quarantined_since is not null
      returning c.id
    ), resource as (
      update cimd.resources c set ${RELEASED}, due_at = cimd.cimd_now() from held
      where c.client_ref = held.id and c.quarantined_since is not null
      returning c.kind
    ), due as (
      insert into cimd.schedule as s (client_ref, due_at) select id, cimd.cimd_now() from document
      on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at)
    )
    select exists (select from document) as document,
      array(select kind from resource order by kind) as resources`.execute(db)
  return rows[0] ?? { document: false, resources: [] }
}

const RELEASED = sql`quarantined_since = null, quarantined_until = null, retry_at = null,
  -- An attempt under way began before whatever was mended, and would set it aside again: it loses its claim.
  claimed = null, claim_token = null, claim_until = null, wanted = c.wanted + (c.wanted = c.done)::integer`
