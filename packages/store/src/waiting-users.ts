import { LOST_URGENT_WORK_SECONDS } from '@cimd/core'
import { sql } from 'kysely'

/**
 * Since when each demand that a user waits for could have been taken up and was not, of the `max` due soonest; what waits in
 * line for a place could not. No column of
 * clients that says so is indexed; whoever waits is looked at again within seconds, so the schedule has it.
 * `overdueSeconds` leaves out what has been due for longer: while no sweep looks, that may be most of the schedule.
 */
export function waitingUsers(max: number, { overdueSeconds }: { readonly overdueSeconds?: number } = {}) {
  const isRecent =
    overdueSeconds === undefined
      ? sql`true`
      : sql`due_at > cimd.cimd_now() - make_interval(secs => ${overdueSeconds})`
  return sql<{ since: Date }>`
    select greatest(s.urgent_since, c.deferred_until, c.claim_until) as since from (
      select client_ref, urgent_since from cimd.schedule
      where due_at <= cimd.cimd_now() + make_interval(secs => ${LOST_URGENT_WORK_SECONDS + 1})
        and ${isRecent} and urgent_since is not null
      order by due_at desc limit ${max}
    ) s join cimd.clients c on c.id = s.client_ref
    where c.urgent > c.done and c.placed >= c.urgent and (c.attempted_at is null or s.urgent_since > c.attempted_at)
      and (c.claim_until is null or c.claim_until <= cimd.cimd_now())
      and (c.deferred_until is null or c.deferred_until <= cimd.cimd_now())`
}
