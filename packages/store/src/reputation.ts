import { sql } from 'kysely'
import type { Transaction } from './db.ts'
import { SENT_AHEAD } from './prepared-pool.ts'

/** One use of a client by a subject that is no stranger to the authorization server. */
export type ReportedUse = {
  readonly client: string
  /** Registrable domain of the client_id. */
  readonly domain: string
  readonly pseudonym: string
}

/**
 * Counts a use for the tenant of the transaction: a subject once per client and once per registrable domain, however often
 * and by however many requests at once it is reported. `fleet`: in the counts over all tenants as well.
 */
export async function countUse(
  trx: Transaction,
  use: ReportedUse,
  { fleet }: { readonly fleet: boolean },
): Promise<void> {
  const { newForClient, newForDomain } = await noteSubject(trx, use)
  const { isFirst } = await raiseClient(trx, use, newForClient)
  await raiseDomain(trx, use, { subjects: newForDomain, clients: isFirst ? 1 : 0 })
  if (fleet) await raiseFleet(trx, use, { newForClient, newForDomain })
}

type Counted = { readonly newForClient: number; readonly newForDomain: number }

// Whoever reports the same subject at the same time waits for the row of the subject.
async function noteSubject(trx: Transaction, { client, domain, pseudonym }: ReportedUse): Promise<Counted> {
  const { rows } = await sql<Counted>`
    with client as (
      insert into cimd.client_subjects (tenant_id, pseudonym, client_ref, first_at)
      values (cimd.current_tenant(), ${pseudonym}, ${client}, cimd.cimd_now()) on conflict do nothing returning 1
    ), domain as (
      insert into cimd.domain_subjects (tenant_id, pseudonym, domain, first_at)
      values (cimd.current_tenant(), ${pseudonym}, ${domain}, cimd.cimd_now()) on conflict do nothing returning 1
    )
    select (select count(*) from client) as "newForClient", (select count(*) from domain) as "newForDomain"`.execute(
    trx,
  )
  const [row] = rows
  if (row === undefined) throw new Error('a select of two counts gave none')
  return row
}

/** A popular client is reported all the time: when it was last seen is kept to the minute. */
const isLongSeen = sql`r.last_seen < excluded.last_seen - interval '1 minute'`

async function raiseClient(
  trx: Transaction,
  { client, domain }: ReportedUse,
  subjects: number,
): Promise<{ readonly isFirst: boolean }> {
  const { rows } = await sql<{ subjects: number }>`
    insert into cimd.client_reputation as r (tenant_id, client_ref, domain, subjects, first_seen, last_seen)
    values (cimd.current_tenant(), ${client}, ${domain}, ${subjects}, cimd.cimd_now(), cimd.cimd_now())
    on conflict (tenant_id, client_ref) do update
      set subjects = r.subjects + excluded.subjects, last_seen = greatest(r.last_seen, excluded.last_seen)
      where excluded.subjects > 0 or ${isLongSeen}
    returning subjects`.execute(trx)
  return { isFirst: isFirst(subjects, rows) }
}

function isFirst(subjects: number, rows: readonly { readonly subjects: number }[]): boolean {
  return subjects > 0 && rows[0]?.subjects === subjects
}

async function raiseDomain(
  trx: Transaction,
  { domain }: ReportedUse,
  { subjects, clients }: { readonly subjects: number; readonly clients: number },
): Promise<void> {
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.domain_reputation as r (tenant_id, domain, subjects, clients, first_seen, last_seen)
    values (cimd.current_tenant(), ${domain}, ${subjects}, ${clients}, cimd.cimd_now(), cimd.cimd_now())
    on conflict (tenant_id, domain) do update
      set subjects = r.subjects + excluded.subjects, clients = r.clients + excluded.clients,
        last_seen = greatest(r.last_seen, excluded.last_seen)
      where excluded.subjects + excluded.clients > 0 or ${isLongSeen}`.execute(trx)
}

// After the tenant's own rows: whoever locks both does so in this order.
async function raiseFleet(
  trx: Transaction,
  { client, domain }: ReportedUse,
  { newForClient, newForDomain }: Counted,
): Promise<void> {
  const { rows } = await sql<{ subjects: number }>`
    insert into cimd.fleet_client_reputation as r (client_ref, subjects, first_seen, last_seen)
    values (${client}, ${newForClient}, cimd.cimd_now(), cimd.cimd_now())
    on conflict (client_ref) do update
      set subjects = r.subjects + excluded.subjects, last_seen = greatest(r.last_seen, excluded.last_seen)
      where excluded.subjects > 0 or ${isLongSeen}
    returning subjects`.execute(trx)
  const clients = isFirst(newForClient, rows) ? 1 : 0
  await sql`${sql.raw(SENT_AHEAD)}
    insert into cimd.fleet_domain_reputation as r (domain, subjects, clients, first_seen, last_seen)
    values (${domain}, ${newForDomain}, ${clients}, cimd.cimd_now(), cimd.cimd_now())
    on conflict (domain) do update
      set subjects = r.subjects + excluded.subjects, clients = r.clients + excluded.clients,
        last_seen = greatest(r.last_seen, excluded.last_seen)
      where excluded.subjects + excluded.clients > 0 or ${isLongSeen}`.execute(trx)
}

/**
 * Ends what tenants know of the use of clients, before these are forgotten: their domains have so many clients less, and keep
 * the users.
 */
export async function endReputation(trx: Transaction, clients: readonly string[]): Promise<void> {
  if (clients.length === 0) return
  // Domains in order, so that two of these never wait for each other.
  await sql`
    with gone as (
      delete from cimd.client_reputation where client_ref = any(${clients}::bigint[]) returning tenant_id, domain
    ), counted as (
      select tenant_id, domain, count(*) as clients from gone group by tenant_id, domain
    ), held as (
      select d.tenant_id, d.domain, c.clients from cimd.domain_reputation d join counted c using (tenant_id, domain)
      order by d.tenant_id, d.domain for no key update of d
    )
    update cimd.domain_reputation d set clients = greatest(d.clients - held.clients, 0)
    from held where (d.tenant_id, d.domain) = (held.tenant_id, held.domain)`.execute(trx)
  await sql`
    with gone as (
      delete from cimd.fleet_client_reputation where client_ref = any(${clients}::bigint[]) returning client_ref, subjects
    ), counted as (
      select c.domain, count(*) as clients from gone g join cimd.clients c on c.id = g.client_ref
      where g.subjects > 0 group by c.domain
    ), held as (
      select d.domain, c.clients from cimd.fleet_domain_reputation d join counted c using (domain)
      order by d.domain for no key update of d
    )
    update cimd.fleet_domain_reputation d set clients = greatest(d.clients - held.clients, 0)
    from held where d.domain = held.domain`.execute(trx)
}
