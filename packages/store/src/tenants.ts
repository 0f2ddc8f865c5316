import type { Db } from './db.ts'

/** Makes a tenant, or finds the one of that name. Returns its id. */
export async function ensureTenant(db: Db, name: string): Promise<string> {
  const { id } = await db
    .insertInto('cimd.tenants')
    .values({ name })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ name }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}
