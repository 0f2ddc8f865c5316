import type { AuditActor, ClientIdUrl } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import { noteOwnAudit } from './audit-pending.ts'
import type { Db, Transaction } from './db.ts'

/** Whose a client's domain is taken to be, and whom of its owners the tenant has come to trust (CHG-05). */
export type OwnershipView = {
  readonly domain: string
  /** From 1; what a tenant trusts belongs to one of them. */
  readonly era: number
  /** The era that counts as accepted. */
  readonly acceptedEra: number
  /** Whether that is written down: it is with the first document that the tenant is given. */
  readonly isNoted: boolean
  /** When the present era began; undefined in the first. */
  readonly changedAt: Date | undefined
}

/** The columns of a view of a client that tell of its domain. */
export type OwnershipRow = {
  domain: string | null
  era: number | null
  accepted_era: number | null
  is_era_noted: boolean | null
  changed_at: Date | null
}

/**
 * Those columns, of the client `c`, its tenant's interest `i` and the joins below. A tenant without an era of its own was given
 * nothing yet and takes the present one, unless it used the client while the former owner was seen: an older release
 * wrote no eras down.
 */
export const OWNERSHIP_COLUMNS: RawBuilder<unknown> = sql`o.domain, o.era, oe.era is not null as is_era_noted, o.changed_at,
  coalesce(oe.era, case when i.first_demand_at <= o.former_seen_at then 1 else o.era end) as accepted_era`

export const OWNERSHIP_JOINS: RawBuilder<unknown> = sql`left join cimd.domains o on o.domain = c.domain
  left join cimd.domain_eras oe on oe.domain = c.domain and oe.tenant_id = cimd.current_tenant()`

/** Reads what those columns tell; undefined: nothing of the domain was ever valid. */
export function ownershipFromRow(row: OwnershipRow): OwnershipView | undefined {
  const { domain, era, accepted_era: acceptedEra, is_era_noted: isNoted, changed_at: changedAt } = row
  if (domain === null || era === null || acceptedEra === null) return undefined
  return { domain, era, acceptedEra, isNoted: isNoted === true, changedAt: changedAt ?? undefined }
}

/** Writes down the era in which the tenant of the transaction is first given a document of a domain. */
export async function noteEra(
  trx: Transaction,
  { domain, acceptedEra }: Pick<OwnershipView, 'domain' | 'acceptedEra'>,
): Promise<void> {
  await sql`
    insert into cimd.domain_eras (tenant_id, domain, era) values (cimd.current_tenant(), ${domain}, ${acceptedEra})
    on conflict (tenant_id, domain) do nothing`.execute(trx)
}

/** Which owner is to be accepted: of a domain, or of the domain of a client; and in which era, if one was looked at. */
export type OwnerAcceptance = {
  readonly of: { readonly domain: string } | { readonly clientId: ClientIdUrl }
  readonly era?: number | undefined
  readonly by: AuditActor
}

/** `is_other`: it has changed hands again since it was looked at. */
export type AcceptedOwner = {
  readonly kind: 'accepted' | 'is_other'
  readonly domain: string
  readonly era: number
}

/**
 * Accepts the present owner of a domain for the tenant of the transaction (CHG-05). Undefined: the tenant uses no client
 * of it, or nothing of it was ever valid.
 */
export async function acceptOwner(
  trx: Transaction,
  { of, era, by }: OwnerAcceptance,
): Promise<AcceptedOwner | undefined> {
  const isMeant = 'domain' in of ? sql`c.domain = ${of.domain}` : sql`c.client_id = ${of.clientId}`
  const { rows } = await sql<{ domain: string; era: number }>`
    select d.domain, d.era from cimd.domains d where d.domain = (
      select c.domain from cimd.clients c join cimd.interest i on i.client_ref = c.id
      where i.tenant_id = cimd.current_tenant() and ${isMeant} limit 1
    )`.execute(trx)
  const [found] = rows
  if (found === undefined) return undefined
  if (era !== undefined && era !== found.era) return { kind: 'is_other', ...found }
  const { numAffectedRows = 0n } = await sql`
    insert into cimd.domain_eras as e (tenant_id, domain, era)
    values (cimd.current_tenant(), ${found.domain}, ${found.era})
    on conflict (tenant_id, domain) do update set era = excluded.era, accepted_at = excluded.accepted_at
    where e.era < excluded.era`.execute(trx)
  if (numAffectedRows > 0n) {
    await judgeClientsAnew(trx, found.domain)
    await noteOwnAudit(trx, { kind: 'ownership.accepted', by, data: found })
  }
  return { kind: 'accepted', ...found }
}

// What that comes to is judged in the background, which tells of it. In order, as it is judged there.
async function judgeClientsAnew(trx: Transaction, domain: string): Promise<void> {
  await sql`
    with held as (
      select d.tenant_id, d.client_ref from cimd.decisions d join cimd.clients c on c.id = d.client_ref
      where d.tenant_id = cimd.current_tenant() and c.domain = ${domain}
      order by d.client_ref for no key update of d
    )
    update cimd.decisions d set due_at = least(d.due_at, cimd.cimd_now()) from held
    where d.tenant_id = held.tenant_id and d.client_ref = held.client_ref`.execute(trx)
}

/** A domain nobody has a client of is remembered for as long as a consent lasts. */
const DOMAIN_DAYS = 400

/** Forgets up to `limit` domains that have no client any more, with the eras of tenants. Returns how many. */
export async function forgetDomains(db: Db, limit: number): Promise<number> {
  const { rows } = await sql`
    with gone as (
      delete from cimd.domains where ${isForgettable} and domain in (
        select domain from cimd.domains where ${isForgettable} limit ${limit}
      )
      returning domain
    ), eras as (
      delete from cimd.domain_eras where domain in (select domain from gone)
    )
    select domain from gone`.execute(db)
  return rows.length
}

const isForgettable = sql`(
  (standing ->> 'lastSeenAt')::timestamptz < cimd.cimd_now() - make_interval(days => ${DOMAIN_DAYS})
  and not exists (select from cimd.clients c where c.domain = domains.domain)
)`
