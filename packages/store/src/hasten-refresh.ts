import { type ClientIdUrl, classOf, FAILURES, isFailureCode } from '@cimd/core'
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** A publisher's word hastens a refresh at most so often. */
const HASTENED_SECONDS = 60

const UNREACHABLE_CODES = Object.keys(FAILURES).filter(
  (code) => isFailureCode(code) && classOf(code) === 'unreachable',
)

/**
 * Makes a client due now, for whoever may know that its document has changed: one that some tenant holds a lease of and
 * that was not looked at for a minute. An origin that is out of reach, or asked for time (Retry-After), is not asked sooner.
 * The sweep takes it from there, behind users' work and within every budget. Makes no client.
 * Returns whether anything was hastened, which is for the log alone.
 */
export async function hastenRefresh(db: Db, clientId: ClientIdUrl): Promise<boolean> {
  const { rows } = await sql<{ hastened: boolean }>`
    with hastened as (
      update cimd.clients c set wanted = c.wanted + 1
      where c.client_id = ${clientId} and c.wanted = c.done and c.dormant_since is null
        -- Or a stranger could keep alive what was never valid, and have it fetched for ever.
        and c.version_id is not null and exists (select from cimd.schedule where client_ref = c.id)
        -- And what nobody uses any more would never come to rest.
        and cimd.is_leased(c.id)
        and (c.failure_code = any(${UNREACHABLE_CODES}::text[]) and c.retry_at > cimd.cimd_now()) is not true
        and c.attempted_at <= cimd.cimd_now() - make_interval(secs => ${HASTENED_SECONDS})
      returning c.id
    ), due as (
      update cimd.schedule s set due_at = least(s.due_at, cimd.cimd_now()) from hastened where s.client_ref = hastened.id
    )
    select exists (select from hastened) as hastened`.execute(db)
  return rows[0]?.hastened ?? false
}
