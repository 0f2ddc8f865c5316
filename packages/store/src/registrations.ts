import type { AuditActor } from '@cimd/core'
import { sql } from 'kysely'
import { noteOwnAudit } from './audit-pending.ts'
import type { Db, Transaction } from './db.ts'
import { judgeAnew } from './decisions.ts'
import type { RegistrationMode } from './policy-facts.ts'

/** A client that was registered before it came (POL-03, FET-27). */
export type Registered = {
  readonly clientId: string
  readonly mode: RegistrationMode
  /** Of the version that stays, in the modes in which one does; undefined: it is not fetched yet. */
  readonly digest: string | undefined
  readonly createdAt: Date
  readonly createdBy: string
}

/**
 * Registers a client for the tenant of the transaction, or changes how it is looked after. In the modes in which a version
 * stays it is the one that the fetch of `generation` finds, or the first valid one after it.
 */
export async function putRegistration(
  trx: Transaction,
  given: {
    readonly client: string
    readonly mode: RegistrationMode
    readonly generation: number
    readonly by: AuditActor
  },
): Promise<void> {
  const { client, mode, by } = given
  const generation = mode === 'periodic' ? 0 : given.generation
  await sql`
    insert into cimd.registrations as g (tenant_id, client_ref, mode, generation, created_by)
    values (cimd.current_tenant(), ${client}, ${mode}, ${generation}, ${by.id})
    on conflict (tenant_id, client_ref) do update set mode = excluded.mode, generation = excluded.generation,
      pinned_generation = 0, version_id = case when excluded.mode = 'periodic' then null else g.version_id end`.execute(
    trx,
  )
  await judgeAnew(trx, client)
  await noteOwnAudit(trx, { kind: 'registration.put', by, client, data: { mode } })
}

/** Has the version of a client in the mode `manual` replaced by what the fetch of `generation` finds. */
export async function renewRegistration(trx: Transaction, client: string, generation: number): Promise<void> {
  await sql`update cimd.registrations set generation = ${generation}
    where tenant_id = cimd.current_tenant() and client_ref = ${client} and mode = 'manual'`.execute(trx)
}

/** Ends a registration of the tenant of the transaction. False: there was none. */
export async function deleteRegistration(
  trx: Transaction,
  { clientId, by }: { readonly clientId: string; readonly by: AuditActor },
): Promise<boolean> {
  const { rows } = await sql<{ client: string }>`
    delete from cimd.registrations where tenant_id = cimd.current_tenant()
      and client_ref = (select id from cimd.clients where client_id = ${clientId})
    returning client_ref as client`.execute(trx)
  const [ended] = rows
  if (ended === undefined) return false
  await judgeAnew(trx, ended.client)
  await noteOwnAudit(trx, { kind: 'registration.ended', by, client: ended.client, data: {} })
  return true
}

/** Up to `limit` registrations of the tenant of the transaction, by client_id, after one of them. */
export async function listRegistrations(
  trx: Transaction,
  { after = '', limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly Registered[]> {
  const { rows } = await sql<RegisteredRow>`
    select c.client_id, g.mode, encode(v.digest, 'hex') as digest, g.created_at, g.created_by
    from cimd.registrations g join cimd.clients c on c.id = g.client_ref left join cimd.versions v on v.id = g.version_id
    where g.tenant_id = cimd.current_tenant() and c.client_id > ${after} collate "C"
    order by c.client_id collate "C" limit ${limit}`.execute(trx)
  return rows.map(({ client_id, mode, digest, created_at, created_by }) => ({
    ...{
      clientId: client_id,
      mode,
      digest: digest ?? undefined,
      createdAt: created_at,
      createdBy: created_by,
    },
  }))
}

type RegisteredRow = {
  client_id: string
  mode: RegistrationMode
  digest: string | null
  created_at: Date
  created_by: string
}

/**
 * Gives up to `limit` registrations the version that their fetch has found, and has them judged; how many. Those of which
 * nothing was found wait, however many they are, and are in nobody's way.
 */
export async function pinRegistrations(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ pinned: number }>`
    with found as (
      select g.tenant_id, g.client_ref, a.generation, a.version_id
      from cimd.registrations g cross join lateral (
        select generation, version_id from cimd.attempts
        where client_ref = g.client_ref and generation >= g.generation and applied and outcome <> 'failed'
          and version_id is not null
        order by generation limit 1
      ) a
      where g.generation > g.pinned_generation and g.mode <> 'periodic'
      limit ${limit} for no key update of g skip locked
    ), pinned as (
      update cimd.registrations g set version_id = found.version_id, pinned_generation = found.generation
      from found where (g.tenant_id, g.client_ref) = (found.tenant_id, found.client_ref)
      returning g.tenant_id, g.client_ref
    ), noted as (
      -- In the order in which they are locked to be judged.
      select d.tenant_id, d.client_ref from cimd.decisions d join pinned using (tenant_id, client_ref)
      order by d.tenant_id, d.client_ref for no key update of d
    ), due as (
      update cimd.decisions d set due_at = cimd.cimd_now() from noted
      where (d.tenant_id, d.client_ref) = (noted.tenant_id, noted.client_ref)
    )
    select count(*) as pinned from pinned`.execute(db)
  return rows[0]?.pinned ?? 0
}
