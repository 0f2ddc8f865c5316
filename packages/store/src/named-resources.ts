import type { NamedResource } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import { keepLeftLogos } from './logos.ts'

/** How soon keys are looked for that the same job ought to have fetched. */
const LOST_WORK_SECONDS = 5

/**
 * The part of an attempt's statement that follows what a valid document names: a resource it names no more ends, one at
 * another URL begins anew without the body of the old one (CHG-08), and one that slept is wanted again. In the common
 * case it writes nothing. `resources`: undefined where no valid document was seen. Reads the CTE `client`.
 */
export function followNamed(
  resources: readonly NamedResource[] | undefined,
  { urgent }: { readonly urgent: boolean },
): RawBuilder<unknown> {
  // Nobody waits for a logo, so it is left to the sweep and the refresh queue.
  const seconds = sql`case n.kind when 'jwks' then ${LOST_WORK_SECONDS} else 0 end`
  const dueAt = sql`cimd.cimd_now() + make_interval(secs => ${seconds})`
  const isAwaited = sql`${urgent} and n.kind = 'jwks'`
  return sql`named as (
      select client.id as client_ref, n.kind, n.url, n.host
      from client, jsonb_to_recordset(${JSON.stringify(resources ?? [])}::jsonb) as n (kind text, url text, host text)
    ), ${keepLeftLogos(sql`r.client_ref = (select id from client) and ${resources !== undefined}
      and not exists (select from named n where n.kind = r.kind and n.url = r.url)`)}, unnamed as (
      delete from cimd.resources r using client
      where r.client_ref = client.id and ${resources !== undefined}
        and not exists (select from named n where n.kind = r.kind)
    ), woken as (
      update cimd.resources r set wanted = greatest(r.wanted, r.done + 1), due_at = ${dueAt}
      from named n
      where r.client_ref = n.client_ref and r.kind = n.kind and r.url = n.url and r.due_at is null
    ), begun as (
      insert into cimd.resources as r (client_ref, kind, url, host, urgent, due_at)
      select n.client_ref, n.kind, n.url, n.host, case when ${isAwaited} then 1 else 0 end, ${dueAt}
      from named n
      where not exists (
        select from cimd.resources k where k.client_ref = n.client_ref and k.kind = n.kind and k.url = n.url
      )
      on conflict (client_ref, kind) do update set
        url = excluded.url, host = excluded.host, due_at = excluded.due_at, state = 'discovering',
        wanted = r.wanted + 1, urgent = case when excluded.urgent > 0 then r.wanted + 1 else r.urgent end,
        claimed = null, claim_token = null, claim_until = null, deferred_until = null, deferred_code = null,
        digest = null, body = null, validated_at = null, fresh_until = null, revalidate_until = null,
        usable_until = null, stale_forbidden = false, stale_if_error_seconds = null, etag = null,
        last_modified = null, cache_headers = null, failure_code = null, failure_detail = null,
        failing_since = null, withdrawing_code = null, withdrawing_since = null, retry_at = null,
        attempted_at = null, lost_claims = 0, quarantined_since = null, quarantined_until = null
    )`
}
