import { type ClientIdUrl, judgeStoredClient, type StoredJudgement, type TrustPolicy } from '@cimd/core'
import { sql } from 'kysely'
import { type StoredVersion, type VersionRow, versionFromRow } from './clients.ts'
import type { Transaction } from './db.ts'
import { lockDecisions } from './decisions.ts'
import {
  isOwnerNew,
  type PolicyFacts,
  type PolicyFactsRow,
  policyColumns,
  policyFactsFromRow,
  policyJoins,
  shownVersion,
} from './policy-facts.ts'

/** A client that a tenant uses, with what its policy is asked about. */
export type UsedClient = PolicyFacts & {
  readonly client: string
  readonly clientId: ClientIdUrl
  readonly version: StoredVersion
  /** The rules an operator of the deployment has approved (CAC-12). */
  readonly rulesApproved: number | undefined
}

/** `next`: where to go on; undefined at the end. */
export type UsedSlice = { readonly clients: readonly UsedClient[]; readonly next: string | undefined }

/** `judging`: what is noted of the clients stays until the transaction ends, as `lockDecisions` says. */
export type UsedOptions = { readonly judging?: boolean }

type UsedRow = PolicyFactsRow & VersionRow & { id: string; client_id: string; rules_approved: number | null }

/**
 * Walks through up to `limit` clients that the tenant of the transaction uses, after the row id `after`. Those of which no
 * document was ever valid are left out.
 */
export async function listUsedClients(
  trx: Transaction,
  {
    after = '0',
    limit,
    ...options
  }: UsedOptions & { readonly after?: string | undefined; readonly limit: number },
): Promise<UsedSlice> {
  const { rows } = await sql<{ client: string }>`
    select client_ref::text as client from cimd.interest
    where tenant_id = cimd.current_tenant() and client_ref > ${after} order by client_ref limit ${limit}`.execute(
    trx,
  )
  const slice = rows.map(({ client }) => client)
  const clients = await findUsedClients(trx, slice, options)
  return { clients, next: slice.length < limit ? undefined : slice.at(-1) }
}

/** Those of the clients that have a valid version, for the tenant of the transaction. */
export async function findUsedClients(
  trx: Transaction,
  clients: readonly string[],
  { judging = false }: UsedOptions = {},
): Promise<readonly UsedClient[]> {
  if (clients.length === 0) return []
  if (judging) await lockDecisions(trx, clients)
  const { rows } = await sql<UsedRow>`
    select c.id::text, c.client_id, v.digest, v.body, v.content_type, v.fetched_at, v.rules_version,
      (select rules_version from cimd.deployment) as rules_approved, ${policyColumns}
    from cimd.clients c left join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()
    ${policyJoins} left join cimd.versions v on v.id = ${shownVersion}
    where c.id = any(${clients}::bigint[]) order by c.id`.execute(trx)
  return rows.flatMap((row) => {
    const version = versionFromRow(row)
    if (version === undefined) return []
    // Checked when it was demanded, and by the column's own constraint.
    const clientId = row.client_id as ClientIdUrl
    const rulesApproved = row.rules_approved ?? undefined
    return [{ client: row.id, clientId, version, rulesApproved, ...policyFactsFromRow(row) }]
  })
}

/** What a policy says of such a client, as it would if the client were asked for. */
export function judgeUsedClient(
  policy: TrustPolicy,
  { clientId, version, registration, refused, ...facts }: UsedClient,
): StoredJudgement {
  const preRegistered = registration !== undefined
  const ownerUnaccepted = isOwnerNew(facts)
  return judgeStoredClient(policy, clientId, {
    ...facts,
    current: version,
    preRegistered,
    refused,
    ownerUnaccepted,
  })
}
