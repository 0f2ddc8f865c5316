import type { AuditActor } from '@cimd/core'
import { sql } from 'kysely'
import { noteAudit } from './audit-pending.ts'
import type { Transaction } from './db.ts'

/** What a tenant can mark: one client, or every client of a registrable domain. */
export type Reviewable = { readonly kind: 'client' | 'domain'; readonly name: string }

/** Who looked, of the tenant of the transaction. */
export type Reviewer = { readonly tenantId: string; readonly actor: AuditActor }

/** Marks for the tenant of the transaction what somebody has looked at; marked again, it is as of now. Returns when. */
export async function markReviewed(trx: Transaction, reviewable: Reviewable, by: Reviewer): Promise<Date> {
  const { kind, name } = reviewable
  const { rows } = await sql<{ reviewed_at: Date }>`
    insert into cimd.reviewed (tenant_id, kind, name, reviewed_by)
    values (cimd.current_tenant(), ${kind}, ${name}, ${by.actor.id})
    on conflict (tenant_id, kind, name) do update
      set reviewed_at = excluded.reviewed_at, reviewed_by = excluded.reviewed_by
    returning reviewed_at`.execute(trx)
  const at = rows[0]?.reviewed_at
  if (at === undefined) throw new Error('an upsert returned no row')
  await noteAudit(trx, { kind: 'reviewed.marked', ...by, ...aboutOf(reviewable) })
  return at
}

/** Takes a mark back, if there is one. */
export async function clearReviewed(trx: Transaction, reviewable: Reviewable, by: Reviewer): Promise<void> {
  const { kind, name } = reviewable
  const { numAffectedRows = 0n } = await sql`
    delete from cimd.reviewed
    where tenant_id = cimd.current_tenant() and kind = ${kind} and name = ${name}`.execute(trx)
  if (numAffectedRows > 0n) await noteAudit(trx, { kind: 'reviewed.cleared', ...by, ...aboutOf(reviewable) })
}

function aboutOf({ kind, name }: Reviewable) {
  return kind === 'client' ? { clientId: name, data: {} } : { data: { domain: name } }
}
