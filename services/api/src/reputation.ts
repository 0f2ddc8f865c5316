import { type ClientIdUrl, hostingOf, type Reputation, type ReputationFacts, reputationOf } from '@cimd/core'
import {
  type ClientView,
  type Db,
  type FleetReputation,
  findFleetReputation,
  type Transaction,
} from '@cimd/store'
import type { ReputationBody } from './life-schemas.ts'

export type ReputationDeps = {
  readonly db: Db | Transaction
  /** Whether uses are counted over all tenants as well, and count for each of them. */
  readonly fleetReputation: boolean
}

/** What a client's use by the caller's tenant comes to, and by all tenants where the operator has these counted. */
export async function findReputation(
  deps: ReputationDeps,
  clientId: ClientIdUrl,
  view: ClientView,
): Promise<{ readonly facts: ReputationFacts; readonly reputation: Reputation }> {
  const fleet =
    deps.fleetReputation && view.id !== undefined ? await findFleetReputation(deps.db, view.id) : undefined
  const facts = reputationFacts(clientId, view, fleet)
  return { facts, reputation: reputationOf(facts, view.now) }
}

/** The facts at `view.now`. The counts of all tenants never make those of one smaller. */
function reputationFacts(
  clientId: ClientIdUrl,
  { reputation: own, ownership }: Pick<ClientView, 'reputation' | 'ownership'>,
  fleet?: FleetReputation,
): ReputationFacts {
  const most = (count: 'subjects' | 'domainSubjects' | 'domainClients') =>
    Math.max(own?.[count] ?? 0, fleet?.[count] ?? 0)
  return {
    subjects: most('subjects'),
    domainSubjects: most('domainSubjects'),
    domainClients: most('domainClients'),
    firstSeen: earliest(own?.firstSeen, fleet?.firstSeen),
    lastSeen: latest(own?.lastSeen, fleet?.lastSeen),
    reviewedAt: own?.reviewedAt,
    ownershipChangedAt: ownership?.changedAt,
    hosting: hostingOf(new URL(clientId).hostname).kind,
  }
}

function earliest(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a
}

function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a
}

/** Reputation and the facts it is from, as a tenant may know them: of others counts, and not when they used the client. */
export function reputationBody(
  { facts, reputation }: Awaited<ReturnType<typeof findReputation>>,
  { reputation: own }: Pick<ClientView, 'reputation'>,
): ReputationBody {
  return {
    ...reputation,
    reasons: [...reputation.reasons],
    subjects: facts.subjects,
    domain_subjects: facts.domainSubjects,
    domain_clients: facts.domainClients,
    first_seen: own?.firstSeen?.toISOString(),
    last_seen: own?.lastSeen?.toISOString(),
    reviewed_at: facts.reviewedAt?.toISOString(),
    hosting: facts.hosting,
  }
}
