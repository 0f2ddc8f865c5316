import {
  type ContinuityJudgement,
  type DomainObservation,
  type DomainStanding,
  type JsonValue,
  judgeContinuity,
  type KnownDomain,
  noteAbsence,
  ownershipEvent,
  type RegistrarEvent,
  type Registration,
  standingOfDomain,
} from '@cimd/core'
import { sql } from 'kysely'
import { noteClientsAudit } from './audit-pending.ts'
import type { Db, Transaction } from './db.ts'
import { inTransaction } from './schedule.ts'

/** The columns of a domain that a claim is made with; null where nothing of the domain was ever valid. */
export type KnownDomainRow = {
  known_domain: string | null
  domain_standing: JsonValue | null
  changes_pending: boolean | null
  name_servers_asked_at: Date | null
}

/** A domain, and under which name it is kept: a newer list of public suffixes may divide the host otherwise. */
export type NamedDomain = KnownDomain & { readonly name: string }

/** Reads what is known of a domain. */
export function knownDomainFromRow(row: KnownDomainRow): NamedDomain | undefined {
  if (row.known_domain === null || row.domain_standing === null) return undefined
  return {
    name: row.known_domain,
    standing: standingOfDomain(row.domain_standing),
    changesPending: row.changes_pending === true,
    nameServersAskedAt: row.name_servers_asked_at ?? undefined,
  }
}

/** What was seen of a domain, and by a fetch of which client. */
export type SeenDomain = {
  readonly domain: string
  readonly client: string
  /** Whether the claim knew of the domain. */
  readonly isKnown: boolean
  readonly observation: DomainObservation
  /** When the observation had the name servers asked for, whatever they answered. */
  readonly nameServersAskedAt: Date | undefined
}

/**
 * Judges what was seen of a domain against what is kept of it, one observation at a time, and keeps that (CHG-05). A
 * discontinuity is told of every client of the domain, in the transaction that begins its era.
 */
export async function observeDomain(db: Db, seen: SeenDomain): Promise<ContinuityJudgement> {
  const { domain, observation } = seen
  if (!seen.isKnown && (await addDomain(db, seen))) return judgeContinuity(undefined, observation)
  return inTransaction(db, async (trx) => {
    const held = await lockDomain(trx, domain)
    if (held === undefined) throw new Error(`${domain} was forgotten while it was observed`)
    const documentsChanged = observation.documentsChanged || held.changesPending
    return judgeHeld(trx, { domain, held }, { ...observation, documentsChanged }, seen.nameServersAskedAt)
  })
}

/** Keeps what a registry says of a domain, and judges by it; undefined: nothing is known of the domain. */
export async function observeRegistration(
  db: Db,
  { domain, registration, at }: RegistrationSeen,
): Promise<ContinuityJudgement | undefined> {
  return inTransaction(db, async (trx) => {
    const held = await lockDomain(trx, domain)
    if (held === undefined) return undefined
    const seenAt = at < held.standing.lastSeenAt ? held.standing.lastSeenAt : at
    return judgeHeld(trx, { domain, held }, { seenAt, registration, documentsChanged: held.changesPending })
  })
}

export type RegistrationSeen = {
  readonly domain: string
  readonly registration: Registration
  /** When a document of the domain was last valid. */
  readonly at: Date
}

/** Keeps that the name servers of a known domain were asked for beside a fetch that failed, and whether it was absent. */
export async function noteNameServers(
  db: Db,
  { domain, at, absent }: { readonly domain: string; readonly at: Date; readonly absent: boolean },
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const held = await lockDomain(trx, domain)
    if (held === undefined) return
    const standing = absent ? noteAbsence(held.standing, at) : held.standing
    await sql`
      update cimd.domains set standing = ${JSON.stringify(standing)}::jsonb, name_servers_asked_at = ${at}
      where domain = ${domain}`.execute(trx)
  })
}

/** Keeps of its domain that a client changed otherwise than by its document, such as by the keys behind its jwks_uri. */
export async function noteChangePending(db: Db, client: string): Promise<void> {
  await sql`
    update cimd.domains d set changes_pending = true from cimd.clients c
    where c.id = ${client} and d.domain = c.domain and not d.changes_pending`.execute(db)
}

const REGISTRATION_HOURS = 24

/** Takes the one question a day for the registration of a known domain. False: it was asked, or the domain is not known. */
export async function takeRegistrationQuestion(db: Db, domain: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    update cimd.domains set registration_asked_at = cimd.cimd_now()
    where domain = ${domain} and (registration_asked_at is null
      or registration_asked_at <= cimd.cimd_now() - make_interval(hours => ${REGISTRATION_HOURS}))`.execute(
    db,
  )
  return numAffectedRows > 0n
}

type Held = { readonly standing: DomainStanding; readonly changesPending: boolean }

async function lockDomain(trx: Transaction, domain: string): Promise<Held | undefined> {
  const { rows } = await sql<{ standing: JsonValue; changes_pending: boolean }>`
    select standing, changes_pending from cimd.domains where domain = ${domain} for update`.execute(trx)
  const [row] = rows
  return row && { standing: standingOfDomain(row.standing), changesPending: row.changes_pending }
}

// In one statement, since a user may wait for it. False: another has added it meanwhile. Where an older release made the client,
// its domain is not written down yet, or by another list of public suffixes.
async function addDomain(db: Db, { domain, client, observation }: SeenDomain): Promise<boolean> {
  const { standing } = judgeContinuity(undefined, observation)
  const { rows } = await sql<{ domain: string }>`
    with named as (
      update cimd.clients set domain = ${domain} where id = ${client} and domain is distinct from ${domain}
    )
    insert into cimd.domains (domain, standing) values (${domain}, ${JSON.stringify(standing)}::jsonb)
    on conflict (domain) do nothing returning domain`.execute(db)
  return rows.length > 0
}

async function judgeHeld(
  trx: Transaction,
  { domain, held }: { readonly domain: string; readonly held: Held },
  observation: DomainObservation,
  nameServersAskedAt?: Date,
): Promise<ContinuityJudgement> {
  const judgement = judgeContinuity(held.standing, observation)
  const { standing } = judgement
  const event = ownershipEvent(domain, held.standing, judgement)
  // What ended late is not judged, but that its documents changed is not passed over: it is judged with what comes next.
  const isLate = standing === held.standing
  await sql`
    update cimd.domains set standing = ${JSON.stringify(standing)}::jsonb, era = ${standing.era},
      changed_at = case when ${event !== undefined} then ${standing.eraSince}::timestamptz else changed_at end,
      former_seen_at = case when ${event !== undefined} then ${held.standing.lastSeenAt}::timestamptz
        else former_seen_at end,
      changes_pending = ${isLate && observation.documentsChanged}, name_servers_asked_at = coalesce(${nameServersAskedAt ?? null}, name_servers_asked_at)
    where domain = ${domain}`.execute(trx)
  if (event !== undefined) await tellClients(trx, domain, event, standing.eraSince)
  if (judgement.isNews) await noteJudgement(trx, domain, judgement)
  return judgement
}

async function noteJudgement(
  trx: Transaction,
  domain: string,
  { verdict, signals, reasons, standing }: ContinuityJudgement,
): Promise<void> {
  const data = { domain, verdict, signals: [...signals], reasons: [...reasons], era: standing.era }
  const clients = sql`c.domain = ${domain} and c.version_id is not null`
  await noteClientsAudit(trx, clients, { kind: 'ownership.judged', data })
}

// In order of their ids: whoever locks several clients and waits does so in this order.
async function tellClients(
  trx: Transaction,
  domain: string,
  event: RegistrarEvent,
  occurredAt: Date,
): Promise<void> {
  await sql`
    with held as (
      select id from cimd.clients where domain = ${domain} and version_id is not null order by id for no key update
    ), told as (
      update cimd.clients c set event_seq = c.event_seq + 1 from held where c.id = held.id
      returning c.id, c.event_seq
    )
    insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
    select id, event_seq, ${event.type}, ${JSON.stringify(event.data)}::jsonb, ${occurredAt} from told`.execute(
    trx,
  )
}

/** What is remembered of a domain, as an operator sees it. */
export type RememberedDomain = {
  readonly standing: DomainStanding
  /** When the present era began; undefined in the first. */
  readonly changedAt: Date | undefined
  /** The era that each tenant trusts that was given a document of the domain, by the tenant's name. */
  readonly eras: readonly { readonly tenant: string; readonly era: number }[]
}

/** Reads what is remembered of a domain; undefined: nothing of it was ever valid. */
export async function readDomain(db: Db, domain: string): Promise<RememberedDomain | undefined> {
  const { rows } = await sql<{
    standing: JsonValue
    changed_at: Date | null
    eras: RememberedDomain['eras'] | null
  }>`
    select d.standing, d.changed_at, (
      select jsonb_agg(jsonb_build_object('tenant', t.name, 'era', e.era) order by t.name)
      from cimd.domain_eras e join cimd.tenants t on t.id = e.tenant_id where e.domain = d.domain
    ) as eras
    from cimd.domains d where d.domain = ${domain}`.execute(db)
  const [row] = rows
  if (row === undefined) return undefined
  const { standing, changed_at: changedAt, eras } = row
  return { standing: standingOfDomain(standing), changedAt: changedAt ?? undefined, eras: eras ?? [] }
}
