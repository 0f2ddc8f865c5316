import type { AuditActor } from '@cimd/core'
import { noteAudit } from './audit-pending.ts'
import type { Transaction } from './db.ts'
import { findTenant } from './tenants.ts'

/** Makes a tenant, or finds the one of that name. Its chain begins with whoever made it. */
export async function openTenant(
  trx: Transaction,
  name: string,
  by: AuditActor,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const made = await trx
    .insertInto('cimd.tenants')
    .values({ name })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made !== undefined) {
    await noteAudit(trx, { tenantId: made.id, kind: 'tenant.created', actor: by, data: { name } })
    return { id: made.id, isNew: true }
  }
  const id = await findTenant(trx, name)
  if (id === undefined) throw new Error(`the tenant "${name}" was removed while it was looked for`)
  return { id, isNew: false }
}

/** Notes in the audit of the tenant of that name, if there is one, which of its settings were set. */
export async function noteSettings(
  trx: Transaction,
  {
    name,
    settings,
    by,
  }: { readonly name: string; readonly settings: readonly string[]; readonly by: AuditActor },
): Promise<void> {
  const tenantId = await findTenant(trx, name)
  if (tenantId === undefined) return
  const data = { settings: [...settings] }
  await noteAudit(trx, { tenantId, kind: 'tenant.changed', actor: by, data })
}
