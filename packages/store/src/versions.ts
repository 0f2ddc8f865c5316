import { sql } from 'kysely'
import type { Transaction } from './db.ts'

/** A version as one row, whose bytes are to be compared or kept. */
export type VersionRef = { readonly id: string; readonly digest: string; readonly body: Uint8Array }

/** What a digest names for one tenant: a version, or a document made of two of them. */
export type NamedVersion =
  | { readonly kind: 'version'; readonly version: VersionRef }
  | {
      readonly kind: 'effective'
      /** What the current one was compared with; itself where nothing was held. */
      readonly approved: VersionRef
      readonly current: VersionRef
      /** Of the policy it was restricted to; undefined: to none. */
      readonly policyVersion: number | undefined
    }

/**
 * What a sha-256 in hex names for the tenant of the transaction: a version that was the current one at some time since its
 * first demand, or an effective document it was given. Undefined: neither, or no longer kept (CHG-09).
 */
export async function findNamedVersion(
  trx: Transaction,
  client: string,
  digest: string,
): Promise<NamedVersion | undefined> {
  return (await findVersion(trx, client, digest)) ?? findEffective(trx, client, digest)
}

async function findVersion(
  trx: Transaction,
  client: string,
  digest: string,
): Promise<NamedVersion | undefined> {
  const { rows } = await sql<{ id: string; body: Buffer }>`
    select v.id::text, v.body
    from cimd.clients c join cimd.versions v on v.client_id = c.client_id
    join cimd.interest i on i.client_ref = c.id and i.tenant_id = cimd.current_tenant()
    where c.id = ${client} and v.digest = decode(${digest}, 'hex') and ${wasCurrent}
    order by v.id desc limit 1`.execute(trx)
  const [row] = rows
  return row && { kind: 'version', version: { ...row, digest } }
}

/**
 * Version `v` of client `c` was the current one when tenant `i` first asked for the client, or later. Versions in between may
 * be gone, so that the others say nothing of it.
 */
export const wasCurrent = sql<boolean>`(
  v.id = c.version_id or coalesce(v.id >= i.since_version_id, v.fetched_at >= i.first_demand_at)
)`

type EffectiveRow = {
  approved_id: string
  approved_digest: string
  approved_body: Buffer
  current_id: string
  current_digest: string
  current_body: Buffer
  policy_version: number | null
}

async function findEffective(
  trx: Transaction,
  client: string,
  digest: string,
): Promise<NamedVersion | undefined> {
  const { rows } = await sql<EffectiveRow>`
    select a.id::text as approved_id, encode(a.digest, 'hex') as approved_digest, a.body as approved_body,
      v.id::text as current_id, encode(v.digest, 'hex') as current_digest, v.body as current_body,
      e.policy_version
    from cimd.effective_documents e
    join cimd.versions a on a.id = e.approved_version_id
    join cimd.versions v on v.id = e.current_version_id
    where e.tenant_id = cimd.current_tenant() and e.client_ref = ${client}
      and e.digest = decode(${digest}, 'hex')`.execute(trx)
  const [row] = rows
  if (row === undefined) return undefined
  return {
    kind: 'effective',
    approved: { id: row.approved_id, digest: row.approved_digest, body: row.approved_body },
    current: { id: row.current_id, digest: row.current_digest, body: row.current_body },
    policyVersion: row.policy_version ?? undefined,
  }
}

/**
 * Notes that the tenant of the transaction was given a document made of two versions, so that it may ask about it later. One
 * that is noted already is noted anew where it is made of other versions now, or once a day: what was given yesterday is
 * not old, whenever it was given first. Else it writes nothing.
 */
export async function noteEffectiveDocument(
  trx: Transaction,
  given: {
    readonly clientId: string
    readonly digest: string
    readonly approvedDigest: string
    readonly currentDigest: string
    /** Of the policy it was restricted to; undefined: to none. */
    readonly policyVersion?: number | undefined
  },
): Promise<void> {
  await sql`
    with given as (
      select cimd.current_tenant() as tenant_id, decode(${given.digest}, 'hex') as digest, c.id as client_ref,
        coalesce(max(a.id) filter (where a.id in (p.version_id, d.baseline_version_id)), max(a.id)) as approved_version_id,
        coalesce(max(v.id) filter (where v.id = g.version_id), max(v.id)) as current_version_id,
        ${given.policyVersion ?? null}::bigint as policy_version
      from cimd.clients c
      left join cimd.approvals p on p.client_ref = c.id and p.tenant_id = cimd.current_tenant()
      left join cimd.decisions d on d.client_ref = c.id and d.tenant_id = cimd.current_tenant()
      left join cimd.registrations g on g.client_ref = c.id and g.tenant_id = cimd.current_tenant()
      join cimd.versions a on a.client_id = c.client_id and a.digest = decode(${given.approvedDigest}, 'hex')
      join cimd.versions v on v.client_id = c.client_id and v.digest = decode(${given.currentDigest}, 'hex')
      where c.client_id = ${given.clientId}
      group by c.id
    )
    insert into cimd.effective_documents (tenant_id, digest, client_ref, approved_version_id, current_version_id,
      policy_version)
    select * from given
    where not exists (
      select from cimd.effective_documents e
      where e.tenant_id = given.tenant_id and e.digest = given.digest
        and (e.approved_version_id, e.current_version_id) = (given.approved_version_id, given.current_version_id)
        and e.policy_version is not distinct from given.policy_version
        and e.given_at > cimd.cimd_now() - interval '1 day'
    )
    on conflict (tenant_id, digest) do update set approved_version_id = excluded.approved_version_id,
      current_version_id = excluded.current_version_id,
      policy_version = excluded.policy_version, given_at = excluded.given_at`.execute(trx)
}
