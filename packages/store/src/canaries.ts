import { type ClientIdUrl, type ClientState, endingOf, registrableDomainOf } from '@cimd/core'
import { sql } from 'kysely'
import { REFUSED_CODES } from './brake.ts'
import type { Db } from './db.ts'
import { type StandingRow, standingFromRow } from './standing.ts'

/** A document of the operator's own that is always looked after. */
export type Canary = {
  readonly clientId: string
  readonly state: ClientState
  readonly validatedAt: Date | undefined
  /** Code of what is found wrong with it or ends its key set; undefined while all is valid or was never fetched. */
  readonly failure: string | undefined
  /** That ends its use, or that of its key set: the brake is engaged. */
  readonly ending: boolean
}

/** Makes a client a canary, and has it fetched. False: it was one already. */
export async function addCanary(
  db: Db,
  { clientId, host }: { readonly clientId: ClientIdUrl; readonly host: string },
): Promise<boolean> {
  const { rows } = await sql<{ added: boolean }>`
    with client as (
      insert into cimd.clients as c (client_id, host, domain, wanted)
      values (${clientId}, ${host}, ${registrableDomainOf(host)}, 1)
      on conflict (client_id) do update set dormant_since = null,
        -- A fetch under way may have begun to be recorded without the canary, which would take the client off the schedule.
        wanted = c.wanted + (c.wanted = c.done or c.claimed is not null)::integer
      returning c.id
    ), scheduled as (
      insert into cimd.schedule as s (client_ref, due_at) select id, cimd.cimd_now() from client
      on conflict (client_ref) do update set due_at = least(s.due_at, excluded.due_at)
    ), added as (
      insert into cimd.canaries (client_ref) select id from client on conflict do nothing returning client_ref
    )
    select exists (select from added) as added`.execute(db)
  return rows[0]?.added ?? false
}

/** Makes a canary a client like any other. False: it was none. */
export async function removeCanary(db: Db, clientId: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.canaries where client_ref = (select id from cimd.clients where client_id = ${clientId})`.execute(
    db,
  )
  return numAffectedRows > 0n
}

/** Every canary and how it is, by client_id. */
export async function listCanaries(db: Db): Promise<Canary[]> {
  const { rows } = await sql<StandingRow & { client_id: string; keys_code: string | null }>`
    select c.client_id, c.state, c.validated_at, c.fresh_until, c.revalidate_until, c.usable_until, c.stale_forbidden,
      c.stale_if_error_seconds, c.failure_code, c.failing_since, c.withdrawing_code, c.withdrawing_since, c.retry_at,
      v.digest, (
        select coalesce(r.withdrawing_code, r.failure_code) from cimd.resources r
        where r.client_ref = c.id and r.kind = 'jwks' and r.digest is not null
          and (r.withdrawing_code is not null or r.failure_code = any(${REFUSED_CODES}::text[]))
      ) as keys_code
    from cimd.canaries k join cimd.clients c on c.id = k.client_ref left join cimd.versions v on v.id = c.version_id
    order by c.client_id`.execute(db)
  return rows.map((row) => {
    const standing = standingFromRow(row)
    const { state, validatedAt, withdrawing, failure } = standing
    const isEnding = standing.digest !== undefined && endingOf(standing) !== undefined
    return {
      clientId: row.client_id,
      state,
      validatedAt,
      failure: withdrawing?.code ?? failure?.code ?? row.keys_code ?? undefined,
      ending: isEnding || row.keys_code !== null,
    }
  })
}
