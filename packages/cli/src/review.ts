import { type ClientIdUrl, parseClientIdUrl } from '@cimd/core'
import {
  approveVersion,
  deleteRegistration,
  findClient,
  findPolicy,
  listRegistrations,
  listReviews,
  putRegistration,
  type RegistrationMode,
  raiseDemand,
  readPolicyVersions,
  refuseClient,
  type Transaction,
  touchInterest,
} from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { asTenantNamed, type OfTenant } from './policy.ts'
import { formatInstant, say, sayJson, sayTable } from './print.ts'
import { OPERATOR, type StoreDeps } from './tenant.ts'

const LISTED = 500

/** What of a fetch nobody waits for here is taken up by the next sweep. */
const LOOK_AGAIN_SECONDS = 1

export type OfClient = OfTenant & { readonly clientId: string }

/** Lists the clients that wait for a review of a tenant. */
export async function runReviewList(deps: StoreDeps, { tenant, json }: OfTenant): Promise<ExitCode> {
  const reviews = await asTenantNamed(deps, tenant, (trx) => listReviews(trx, { limit: LISTED }))
  if (json) {
    sayJson(deps.output, {
      reviews: reviews.map(({ clientId, ...one }) => ({ client_id: clientId, ...one })),
    })
  } else if (reviews.length === 0) say(deps.output, 'Nothing waits for a review.')
  else {
    const rows = reviews.map(({ clientId, held, digest = '', since }) => {
      return [clientId, held, formatInstant(since), digest]
    })
    sayTable(deps.output, ['CLIENT_ID', 'HELD', 'SINCE', 'DIGEST'], rows)
  }
  return 0
}

/** Approves a version for a tenant, for some days or as its policy says. */
export async function runReviewApprove(
  deps: StoreDeps,
  args: OfClient & {
    readonly digest: string
    readonly reason: string | undefined
    readonly expiresDays: number | undefined
  },
): Promise<ExitCode> {
  const { tenant, clientId, digest, reason, json } = args
  const isApproved = await asTenantNamed(deps, tenant, async (trx) => {
    const expiresAfterDays = args.expiresDays ?? (await daysOfPolicy(trx))
    const client = await existing(trx, clientId)
    return approveVersion(trx, { client, digest, reason, expiresAfterDays, by: OPERATOR })
  })
  if (!isApproved) throw new Error('there is no such version of this client')
  if (json) sayJson(deps.output, { tenant, client_id: clientId, digest })
  else say(deps.output, `Approved for "${tenant}": ${clientId}`)
  return 0
}

/** Refuses a client for a tenant. */
export async function runReviewRefuse(
  deps: StoreDeps,
  { tenant, clientId, reason, json }: OfClient & { readonly reason: string },
): Promise<ExitCode> {
  await asTenantNamed(deps, tenant, async (trx) =>
    refuseClient(trx, { client: await existing(trx, clientId), reason, by: OPERATOR }),
  )
  if (json) sayJson(deps.output, { tenant, client_id: clientId, reason })
  else say(deps.output, `Refused for "${tenant}": ${clientId}`)
  return 0
}

/** Registers a client for a tenant, before it comes; it is fetched once. */
export async function runRegistrationAdd(
  deps: StoreDeps,
  { tenant, clientId, mode, json }: OfClient & { readonly mode: RegistrationMode },
): Promise<ExitCode> {
  const identified = checked(clientId)
  await asTenantNamed(deps, tenant, async (trx) => {
    const demand = {
      ...{ clientId: identified.value, host: identified.host, forced: true, urgent: true },
      lookAgainInSeconds: LOOK_AGAIN_SECONDS,
    }
    const { client, generation } = await raiseDemand(trx, await findClient(trx, identified.value), demand)
    await touchInterest(trx, client)
    await putRegistration(trx, { client, generation, mode, by: OPERATOR })
  })
  if (json) sayJson(deps.output, { tenant, client_id: clientId, mode })
  else say(deps.output, `Registered for "${tenant}" (${mode}): ${clientId}`)
  return 0
}

/** Lists the clients that are registered for a tenant. */
export async function runRegistrationList(deps: StoreDeps, { tenant, json }: OfTenant): Promise<ExitCode> {
  const found = await asTenantNamed(deps, tenant, (trx) => listRegistrations(trx, { limit: LISTED }))
  if (json) {
    sayJson(deps.output, {
      registrations: found.map(({ clientId, createdAt, createdBy, ...one }) => ({
        ...{ client_id: clientId, ...one, created_at: createdAt, created_by: createdBy },
      })),
    })
  } else {
    const rows = found.map(({ clientId, mode, digest = '', createdAt }) => {
      return [clientId, mode, formatInstant(createdAt), digest.slice(0, 16)]
    })
    sayTable(deps.output, ['CLIENT_ID', 'MODE', 'REGISTERED', 'DIGEST'], rows)
  }
  return 0
}

/** Ends a registration. */
export async function runRegistrationRemove(
  deps: StoreDeps,
  { tenant, clientId, json }: OfClient,
): Promise<ExitCode> {
  const isDeleted = await asTenantNamed(deps, tenant, (trx) =>
    deleteRegistration(trx, { clientId, by: OPERATOR }),
  )
  if (!isDeleted) throw new Error('this client is not registered')
  if (json) sayJson(deps.output, { tenant, client_id: clientId })
  else say(deps.output, `Not registered any more for "${tenant}": ${clientId}`)
  return 0
}

async function existing(trx: Transaction, presented: string): Promise<string> {
  const { id, lastResolvedAt } = await findClient(trx, checked(presented).value)
  if (id === undefined || lastResolvedAt === undefined)
    throw new Error('the tenant has never asked for this client')
  return id
}

// Which ports a deployment takes is its api's own configuration.
function checked(presented: string): { readonly value: ClientIdUrl; readonly host: string } {
  const parsed = parseClientIdUrl(presented, { allowedPorts: [Number(URL.parse(presented)?.port || 443)] })
  if (!parsed.ok) throw new UsageError(`this is no client_id (${parsed.code}): ${presented}`)
  return parsed
}

async function daysOfPolicy(trx: Transaction): Promise<number | undefined> {
  const stored = await findPolicy(trx, (await readPolicyVersions(trx)).inForce)
  const policy = stored?.policy as { approvals?: { expire_after_days?: number | null } } | undefined
  return policy?.approvals?.expire_after_days ?? undefined
}
