import {
  DEFAULT_TRUST_POLICY,
  isProfileId,
  parseTrustPolicy,
  policyDigest,
  readTrustPolicy,
  type TrustPolicy,
} from '@cimd/core'
import {
  clearReportPolicy,
  dryRunPolicy,
  findPolicy,
  listPolicies,
  listPolicyReports,
  type NewPolicy,
  putPolicy,
  putReportPolicy,
  readPolicyVersions,
  type StoredPolicy,
  type Transaction,
  withTenant,
} from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { parseJson } from './input.ts'
import { complain, formatInstant, say, sayFacts, sayJson, sayTable } from './print.ts'
import { getTenant, OPERATOR, type StoreDeps } from './tenant.ts'

export type PolicyDeps = StoreDeps & { readonly readInput: (name: string) => Promise<Uint8Array> }
export type OfTenant = { readonly tenant: string; readonly json: boolean | undefined }

const LISTED = 100

/** Does what is asked for the tenant of that name, in a transaction of its own. Throws where there is none. */
export function asTenantNamed<T>(
  { withStore }: Pick<StoreDeps, 'withStore'>,
  name: string,
  work: (trx: Transaction) => Promise<T>,
): Promise<T> {
  return withStore(async (db) => withTenant(db, await getTenant(db, name), work))
}

/** Shows the policy in force, or a version. */
export async function runPolicyShow(
  deps: StoreDeps,
  { tenant, version, json }: OfTenant & { readonly version: number | undefined },
): Promise<ExitCode> {
  const stored = await asTenantNamed(deps, tenant, async (trx) => {
    const wanted = version ?? (await readPolicyVersions(trx)).inForce
    return wanted === 0 ? undefined : findPolicy(trx, wanted)
  })
  if (stored === undefined && version !== undefined) throw new Error(`there is no version ${version}`)
  if (json) sayJson(deps.output, stored ? { ...factsOf(stored), policy: stored.policy } : { version: 0 })
  else if (stored === undefined) say(deps.output, `The tenant "${tenant}" has written no policy.`)
  else {
    sayFacts(
      deps.output,
      Object.entries(factsOf(stored)).map(([name, value]) => [name, String(value)] as const),
    )
    for (const line of JSON.stringify(stored.policy, undefined, 2).split('\n')) say(deps.output, line)
  }
  return 0
}

/** Puts the policy of a file in force. */
export async function runPolicyPut(
  deps: PolicyDeps,
  args: OfTenant & { readonly file: string; readonly ifVersion: number | undefined },
): Promise<ExitCode> {
  const policy = await readPolicyFile(deps, args.file)
  if (policy === undefined) return 1
  const { ifVersion, tenant, json } = args
  const put = await asTenantNamed(deps, tenant, (trx) => putPolicy(trx, policy, { ifVersion }))
  if (put.kind === 'outdated') throw new Error(`version ${put.version} is in force: look at that first`)
  if (json) sayJson(deps.output, { tenant, version: put.version })
  else say(deps.output, `Version ${put.version} is in force for "${tenant}".`)
  return 0
}

/** Lists the versions of a policy. */
export async function runPolicyHistory(deps: StoreDeps, { tenant, json }: OfTenant): Promise<ExitCode> {
  const versions = await asTenantNamed(deps, tenant, (trx) => listPolicies(trx, { limit: LISTED }))
  if (json) sayJson(deps.output, { versions: versions.map(factsOf) })
  else {
    const rows = versions.map(({ version, createdAt, createdBy, digest }) => {
      return [String(version), formatInstant(createdAt), createdBy, digest.slice(0, 16)]
    })
    sayTable(deps.output, ['VERSION', 'WRITTEN', 'BY', 'DIGEST'], rows)
  }
  return 0
}

/** Tells what the policy of a file would change. Exits with 1 where it would refuse or hold somebody anew. */
export async function runPolicyDryRun(
  deps: PolicyDeps,
  { tenant, file, json }: OfTenant & { readonly file: string },
): Promise<ExitCode> {
  const written = await readPolicyFile(deps, file)
  if (written === undefined) return 1
  const { summary, unreadable, clients } = await deps.withStore(async (db) => {
    const id = await getTenant(db, tenant)
    const inForce = await withTenant(db, id, policyInForce)
    return dryRunPolicy(db, id, { inForce, candidate: written.policy }, LISTED)
  })
  if (json) {
    const listed = clients.map(({ clientId, ...client }) => ({ client_id: clientId, ...client }))
    sayJson(deps.output, { summary, unreadable, clients: listed })
  } else {
    const counts = { ...summary, unreadable }
    sayFacts(
      deps.output,
      Object.entries(counts).map(([name, n]) => [name, String(n)] as const),
    )
    const rows = clients.map(({ clientId, difference, added }) => {
      return [clientId, difference, added.map(({ code }) => code).join(' ')]
    })
    if (rows.length > 0) sayTable(deps.output, ['CLIENT_ID', 'DIFFERENCE', 'REASONS'], rows)
  }
  return summary.newly_refused + summary.newly_held > 0 ? 1 : 0
}

/** Has the policy of a file reported beside the one in force, ends that, or shows what it would have done. */
export async function runPolicyReportOnly(
  deps: PolicyDeps,
  { tenant, file, none, json }: OfTenant & { readonly file: string | undefined; readonly none: boolean },
): Promise<ExitCode> {
  if (none) {
    const isCleared = await asTenantNamed(deps, tenant, (trx) => clearReportPolicy(trx, OPERATOR))
    if (json) sayJson(deps.output, { tenant, cleared: isCleared })
    else say(deps.output, isCleared ? 'Nothing is reported any more.' : 'Nothing was reported.')
    return 0
  }
  if (file !== undefined) {
    const policy = await readPolicyFile(deps, file)
    if (policy === undefined) return 1
    const version = await asTenantNamed(deps, tenant, (trx) => putReportPolicy(trx, policy))
    if (json) sayJson(deps.output, { tenant, version })
    else say(deps.output, `What version ${version} would have done for "${tenant}" is reported from now on.`)
    return 0
  }
  const reports = await asTenantNamed(deps, tenant, (trx) => listPolicyReports(trx, LISTED))
  if (json) {
    sayJson(deps.output, {
      clients: reports.map(({ clientId, times, firstAt, lastAt, ...report }) => ({
        ...{ client_id: clientId, ...report, minutes: times, first_at: firstAt, last_at: lastAt },
      })),
    })
  } else if (reports.length === 0) {
    say(
      deps.output,
      'Nothing is reported: no policy is judged beside the one in force, or none would differ.',
    )
  } else {
    const rows = reports.map(({ clientId, difference, lastAt }) => [
      clientId,
      difference,
      formatInstant(lastAt),
    ])
    sayTable(deps.output, ['CLIENT_ID', 'DIFFERENCE', 'LAST'], rows)
  }
  return 0
}

async function readPolicyFile(
  { readInput, output }: PolicyDeps,
  file: string,
): Promise<NewPolicy | undefined> {
  const parsed = parseTrustPolicy(parseJson(await readInput(file), file))
  if (parsed.ok) return { policy: parsed.policy, digest: policyDigest(parsed.policy), by: OPERATOR }
  for (const { pointer, detail, advice } of parsed.problems) {
    complain(output, `${pointer || 'the policy'} ${detail}. ${advice}`)
  }
  return undefined
}

async function policyInForce(trx: Transaction): Promise<TrustPolicy> {
  const { inForce, profile } = await readPolicyVersions(trx)
  if (inForce === 0 && isProfileId(profile)) return { ...DEFAULT_TRUST_POLICY, profile }
  const read = readTrustPolicy((await findPolicy(trx, inForce))?.policy)
  if (!read.ok) throw new Error('the policy in force cannot be read by this release')
  return read.policy
}

function factsOf({ version, digest, createdAt, createdBy }: StoredPolicy) {
  return { version, digest, created_at: createdAt.toISOString(), created_by: createdBy }
}
