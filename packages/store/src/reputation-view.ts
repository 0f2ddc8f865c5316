import { type RawBuilder, sql } from 'kysely'
import type { Db, Transaction } from './db.ts'

/** What one tenant knows of the use of a client, and of what it has looked at. */
export type ReputationView = {
  /** Distinct subjects reported for the client, and for all clients of its registrable domain. */
  readonly subjects: number
  readonly domainSubjects: number
  /** Clients of the domain that uses were reported of. */
  readonly domainClients: number
  /** The first report of a use, and to the minute the last one; undefined where there was none. */
  readonly firstSeen: Date | undefined
  readonly lastSeen: Date | undefined
  /** When the tenant approved a version, or marked the client or its domain as reviewed, whichever was last. */
  readonly reviewedAt: Date | undefined
  /** What changed lately since the tenant's first use, as its events tell it; the newest first. */
  readonly changes: readonly { readonly members: readonly string[]; readonly at: Date }[]
}

/** As the column has it: instants of JSON are text. */
export type ReputationColumn = {
  subjects: number | null
  domain_subjects: number | null
  domain_clients: number | null
  first_seen: string | null
  last_seen: string | null
  reviewed_at: string | null
  changes: readonly { members: readonly string[]; at: string }[] | null
}

/** Longer than anybody warns of a change. */
const CHANGES_DAYS = 7
/** The newest changes of a client that are looked at; each tells of the client's unrest as well as all of them. */
const CHANGES_MAX = 20

/**
 * The reputation of client `c` for the tenant of the transaction, whose interest is `i` and whose approval is `a`: one
 * column of the record's own query, so that it costs no round trip. Null where the tenant never asked for the client.
 */
export const reputationColumn = sql<ReputationColumn | null>`case when i.tenant_id is not null then (
  select jsonb_build_object(
    'subjects', r.subjects, 'first_seen', r.first_seen, 'last_seen', r.last_seen,
    'domain_subjects', d.subjects, 'domain_clients', d.clients,
    'reviewed_at', greatest(a.approved_at, ${reviewedAt('client', sql`c.client_id`)}, ${reviewedAt('domain', sql`c.domain`)}),
    'changes', case when c.event_seq > i.since_seq then (
      select jsonb_agg(jsonb_build_object('members', jsonb_path_query_array(o.data, '$.changes[*].member'), 'at', o.occurred_at))
      from (
        select data, occurred_at from cimd.outbox
        where client_ref = c.id and client_seq > i.since_seq and type = 'client.metadata_changed'
        order by client_seq desc limit ${sql.lit(CHANGES_MAX)}
      ) as o where o.occurred_at > cimd.cimd_now() - make_interval(days => ${sql.lit(CHANGES_DAYS)})
    ) end
  )
  from (values (true)) as one
  left join cimd.client_reputation r on r.tenant_id = cimd.current_tenant() and r.client_ref = c.id
  left join cimd.domain_reputation d on d.tenant_id = cimd.current_tenant() and d.domain = c.domain
) end`

// Two questions by key cost less than one for the greater of both.
function reviewedAt(kind: 'client' | 'domain', name: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
      select reviewed_at from cimd.reviewed
      where tenant_id = cimd.current_tenant() and kind = ${sql.lit(kind)} and name = ${name}
    )`
}

/** The reputation from its column; undefined where the tenant never asked for the client. */
export function reputationFromColumn(column: ReputationColumn | null): ReputationView | undefined {
  if (column === null) return undefined
  const { subjects, domain_subjects, domain_clients, first_seen, last_seen, reviewed_at, changes } = column
  return {
    subjects: subjects ?? 0,
    domainSubjects: domain_subjects ?? 0,
    domainClients: domain_clients ?? 0,
    firstSeen: instantOf(first_seen),
    lastSeen: instantOf(last_seen),
    reviewedAt: instantOf(reviewed_at),
    changes: (changes ?? []).map(({ members, at }) => ({ members, at: new Date(at) })),
  }
}

function instantOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text)
}

/** Counts over all tenants, of which none is named. */
export type FleetReputation = Pick<
  ReputationView,
  'subjects' | 'domainSubjects' | 'domainClients' | 'firstSeen' | 'lastSeen'
>

type FleetRow = {
  subjects: number | null
  first_seen: Date | null
  last_seen: Date | null
  domain_subjects: number | null
  domain_clients: number | null
}

/** What is counted of a client over all tenants, since that was turned on. */
export async function findFleetReputation(db: Db | Transaction, client: string): Promise<FleetReputation> {
  const { rows } = await sql<FleetRow>`
    select r.subjects, r.first_seen, r.last_seen, d.subjects as domain_subjects, d.clients as domain_clients
    from cimd.clients c
    left join cimd.fleet_client_reputation r on r.client_ref = c.id
    left join cimd.fleet_domain_reputation d on d.domain = c.domain
    where c.id = ${client}`.execute(db)
  const [row] = rows
  return {
    subjects: row?.subjects ?? 0,
    domainSubjects: row?.domain_subjects ?? 0,
    domainClients: row?.domain_clients ?? 0,
    firstSeen: row?.first_seen ?? undefined,
    lastSeen: row?.last_seen ?? undefined,
  }
}
