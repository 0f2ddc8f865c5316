import type { AuditActor, ProfileId } from '@cimd/core'
import {
  type Db,
  findTenant,
  findTenantSummary,
  inTransaction,
  listTenants,
  noteSettings,
  openTenant,
  removeTenant,
  setTenantProfile,
  type TenantSummary,
  type Transaction,
} from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatInstant, type Output, say, sayFacts, sayJson, sayTable } from './print.ts'

export type StoreDeps = {
  readonly output: Output
  /** Opens the store, and closes it once the work is done. */
  readonly withStore: <T>(work: (db: Db) => Promise<T>) => Promise<T>
}

/** By whom the audit says that something was done, where an operator does it here. */
export const OPERATOR: AuditActor = { kind: 'operator', id: 'cimd' }

/** Sets something of the tenant of that name, as its audit tells. Undefined: nothing was set. */
export function setForTenant<Result>(
  db: Db,
  { name, settings }: { readonly name: string; readonly settings: readonly string[] },
  set: (trx: Transaction) => Promise<Result | undefined>,
): Promise<Result | undefined> {
  return inTransaction(db, async (trx) => {
    const result = await set(trx)
    if (result !== undefined) await noteSettings(trx, { name, settings, by: OPERATOR })
    return result
  })
}

/** Makes a tenant; one that is there already is left as it is. */
export async function runTenantCreate(
  { output, withStore }: StoreDeps,
  { name, json }: { readonly name: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const { id, isNew: created } = await withStore((db) =>
    inTransaction(db, (trx) => openTenant(trx, name, OPERATOR)),
  )
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
  await withStore(async (db) => {
    const isSet = await setForTenant(db, { name, settings: ['profile'] }, async (trx) =>
      (await setTenantProfile(trx, name, profile)) ? true : undefined,
    )
    if (isSet) return
    if ((await findTenant(db, name)) === undefined) throw unknownTenant(name)
    throw new Error(`the policy of "${name}" says which profile counts: cimd policy put ${name}`)
  })
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
    sayJson(output, { tenants: tenants.map(bodyOf) })
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

/** Shows a tenant. */
export async function runTenantShow(
  { output, withStore }: StoreDeps,
  { name, json }: { readonly name: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const tenant = await withStore((db) => findTenantSummary(db, name))
  if (tenant === undefined) throw unknownTenant(name)
  if (json) {
    sayJson(output, bodyOf(tenant))
    return 0
  }
  const limits = Object.entries(tenant.staleLimits).map(([failure, seconds]) => `${failure} ${seconds} s`)
  const quotas = Object.entries(tenant.quotas ?? {}).map(([quota, bound]) => `${quota} ${bound}`)
  sayFacts(output, [
    ['name', tenant.name],
    ['profile', tenant.profile],
    ['policy', tenant.policyVersion === 0 ? 'none' : `version ${tenant.policyVersion}`],
    [
      'reported only',
      tenant.reportPolicyVersion === undefined ? 'none' : `version ${tenant.reportPolicyVersion}`,
    ],
    ['stale limits', limits.join(', ') || 'none'],
    ['quotas', quotas.join(', ') || 'of the deployment'],
    ['keys', String(tenant.keys)],
    ['created', formatInstant(tenant.createdAt)],
  ])
  return 0
}

/** Removes a tenant with everything that is only its own. `confirmed` is its name once more. */
export async function runTenantRemove(
  { output, withStore }: StoreDeps,
  {
    name,
    confirmed,
    json,
  }: { readonly name: string; readonly confirmed: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  if (confirmed !== name) throw new UsageError(`"${confirmed}" is not the name of the tenant, "${name}"`)
  if (!(await withStore((db) => removeTenant(db, name)))) throw unknownTenant(name)
  if (json) sayJson(output, { name, removed: true })
  else say(output, `Removed the tenant "${name}" with everything that was only its own.`)
  return 0
}

function bodyOf({ id, name, profile, keys, createdAt, ...rest }: TenantSummary) {
  return {
    ...{ id, name, profile, keys, policy_version: rest.policyVersion },
    report_policy_version: rest.reportPolicyVersion ?? null,
    ...{ stale_limits: rest.staleLimits, quotas: rest.quotas, created_at: createdAt },
  }
}

/** The tenant with this name. Throws, with where to look, where there is none. */
export async function getTenant(db: Db, name: string): Promise<string> {
  const id = await findTenant(db, name)
  if (id === undefined) throw unknownTenant(name)
  return id
}

/** What is told of a name that no tenant has: more often a slip than a tenant that is to be made. */
export function unknownTenant(name: string): Error {
  return new Error(`there is no tenant "${name}": cimd tenant list shows those there are`)
}
