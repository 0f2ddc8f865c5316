import type { ProfileId } from '@cimd/core'
import { type Db, ensureTenant, findTenant, listTenants, setTenantProfile } from '@cimd/store'
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

/** Chooses what more than the draft a tenant asks of a client, from its next request on. */
export async function runTenantProfile(
  { output, withStore }: StoreDeps,
  {
    name,
    profile,
    json,
  }: { readonly name: string; readonly profile: ProfileId; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const isSet = await withStore((db) => setTenantProfile(db, name, profile))
  if (!isSet) throw new Error(`there is no tenant "${name}": cimd tenant create ${name}`)
  if (json) sayJson(output, { name, profile })
  else say(output, `The tenant "${name}" has the profile ${profile}.`)
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
    const rows = tenants.map(({ name, profile, keys, createdAt }) => {
      return [name, profile, String(keys), formatInstant(createdAt)]
    })
    sayTable(output, ['NAME', 'PROFILE', 'KEYS', 'CREATED'], rows)
  }
  return 0
}
