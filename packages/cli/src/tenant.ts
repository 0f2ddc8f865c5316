import { type Db, ensureTenant, findTenant, listTenants } from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { formatInstant, type Output, say, sayJson, sayTable } from './print.ts'

export type StoreDeps = {
  readonly output: Output
  /** Opens the store, and closes it once the work is done. */
  readonly withStore: <T>(work: (db: Db) => Promise<T>) => Promise<T>
}

/** Makes a tenant; one that is there already is left as it is. */
export async function runTenantCreate(
  { output, withStore }: StoreDeps,
  { name, json }: { readonly name: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const { id, created } = await withStore(async (db) => {
    const found = await findTenant(db, name)
    return { id: found ?? (await ensureTenant(db, name)), created: found === undefined }
  })
  if (json) sayJson(output, { id, name, created })
  else say(output, created ? `Made the tenant "${name}".` : `The tenant "${name}" is there already.`)
  return 0
}

/** Lists the tenants. */
export async function runTenantList(
  { output, withStore }: StoreDeps,
  { json }: { readonly json: boolean | undefined },
): Promise<ExitCode> {
  const tenants = await withStore(listTenants)
  if (json) {
    const listed = tenants.map(({ createdAt, ...tenant }) => ({ ...tenant, created_at: createdAt }))
    sayJson(output, { tenants: listed })
  } else if (tenants.length === 0) {
    say(output, 'There are no tenants. Make one: cimd tenant create NAME')
  } else {
    const rows = tenants.map(({ name, keys, createdAt }) => [name, String(keys), formatInstant(createdAt)])
    sayTable(output, ['NAME', 'KEYS', 'CREATED'], rows)
  }
  return 0
}
