import {
  auditedRules,
  DEFAULT_TRUST_POLICY,
  type DecisionName,
  decisionName,
  isProfileId,
  policyDigest,
  type RegistrarEvent,
  readTrustPolicy,
  type StoredJudgement,
  type TrustPolicy,
} from '@cimd/core'
import {
  type Db,
  dropDue,
  findDueDecisions,
  findPolicy,
  findUnjudgedTenants,
  findUsedClients,
  judgeUsedClient,
  listUsedClients,
  type NewDecision,
  noteJudged,
  noteOwnAudit,
  pinRegistrations,
  readPolicyVersions,
  settleDecision,
  type Transaction,
  tellTenant,
  tryLockJudging,
  type UnjudgedTenant,
  type UsedClient,
  withTenant,
} from '@cimd/store'

/** What one transaction judges: while it tells of changes, the relay waits for it. */
const SLICE = 50

/** Of what is due one turn takes so many. */
const DUE_MAX = 500

/** So long the clients of tenants with a new policy are judged before what is due has its turn again. */
const TURN_MS = 2000

/** What a turn came to. */
export type JudgedDecisions = {
  readonly judged: number
  readonly changed: number
  /** Tenants that have news in their feed. */
  readonly tenants: readonly string[]
  /** Tenants whose policy cannot be read by this release: nothing of them was judged. */
  readonly unreadable: readonly string[]
}

type Counts = { judged: number; changed: number; tenants: Set<string>; unreadable: Set<string> }

/** Where the judging of all clients of tenants has come to, from turn to turn. */
type JudgingPlaces = {
  /** The tenant of which something was judged last. */
  last: string
  /** By tenant: up to which policy its clients are judged, and after which. */
  readonly begun: Map<string, { readonly to: number; readonly after: string }>
}

/**
 * Makes what judges anew, turn by turn, what is due (an approval, refusal or registration, the end of one, an owner that was
 * accepted, another document), and all clients of the tenants whose policy has changed, and tells each tenant what became
 * otherwise (POL-05). After `turnMs` it goes on in the next turn, so that what is due waits for no tenant. What is
 * interrupted begins anew.
 */
export function createJudging(
  db: Db,
  { turnMs = TURN_MS }: { readonly turnMs?: number } = {},
): (isStopping: () => boolean) => Promise<JudgedDecisions> {
  const places: JudgingPlaces = { last: '', begun: new Map() }
  return async (isStopping) => {
    const counts: Counts = { judged: 0, changed: 0, tenants: new Set(), unreadable: new Set() }
    await pinRegistrations(db, DUE_MAX)
    for (const { tenantId, clients } of await findDueDecisions(db, DUE_MAX)) {
      await judgeDue(db, counts, { tenantId, clients })
    }
    await judgeTenants(db, counts, places, { isStopping, turnMs })
    return { ...counts, tenants: [...counts.tenants], unreadable: [...counts.unreadable] }
  }
}

async function judgeDue(
  db: Db,
  counts: Counts,
  { tenantId, clients }: { readonly tenantId: string; readonly clients: readonly string[] },
): Promise<void> {
  for (let from = 0; from < clients.length; from += SLICE) {
    const due = clients.slice(from, from + SLICE)
    await withTenant(db, tenantId, async (trx) => {
      if (!(await tryLockJudging(trx))) return
      const policy = await policyOf(trx)
      const before = await policyOf(trx, (await readPolicyVersions(trx)).evaluated)
      const clients = await findUsedClients(trx, due, { judging: true })
      // Also of what nothing is valid, and by a policy that nobody can read: there is nothing to say. What is judged may be due
      // again, when its approval ends.
      await dropDue(trx, due)
      if (policy === undefined) counts.unreadable.add(tenantId)
      else await judgeClients(trx, counts, { tenantId, clients, policy, before })
    })
  }
}

// A slice of each in turn, after the one that was last: nobody is in the way of others, however many clients they use.
async function judgeTenants(
  db: Db,
  counts: Counts,
  places: JudgingPlaces,
  { isStopping, turnMs }: { readonly isStopping: () => boolean; readonly turnMs: number },
): Promise<void> {
  const until = performance.now() + turnMs
  for (let waiting = afterLast(await findUnjudgedTenants(db), places.last); waiting.length > 0; ) {
    const unfinished: UnjudgedTenant[] = []
    for (const tenant of waiting) {
      if (isStopping()) return
      places.last = tenant.tenantId
      if (await judgeSlice(db, counts, tenant, places)) unfinished.push(tenant)
      if (performance.now() >= until) return
    }
    waiting = unfinished
  }
}

function afterLast(tenants: readonly UnjudgedTenant[], last: string): readonly UnjudgedTenant[] {
  const isLater = ({ tenantId }: UnjudgedTenant) => tenantId > last
  return [...tenants.filter(isLater), ...tenants.filter((tenant) => !isLater(tenant))]
}

/** `next`: the client after which there are others. */
type JudgedSlice = { readonly next: string | undefined }

/** Whether there is more to judge here and now. */
async function judgeSlice(
  db: Db,
  counts: Counts,
  { tenantId, from, to }: UnjudgedTenant,
  { begun }: JudgingPlaces,
): Promise<boolean> {
  // Whatever is put in force meanwhile, what was judged before that is still to be judged by it.
  const place = begun.get(tenantId) ?? { to, after: '0' }
  const judged = await withTenant(db, tenantId, async (trx): Promise<JudgedSlice | undefined> => {
    if (!(await tryLockJudging(trx))) return undefined
    const [policy, before] = [await policyOf(trx), await policyOf(trx, from)]
    if (policy === undefined) {
      counts.unreadable.add(tenantId)
      return { next: undefined }
    }
    const slice = await listUsedClients(trx, { after: place.after, limit: SLICE, judging: true })
    await judgeClients(trx, counts, { tenantId, clients: slice.clients, policy, before })
    if (slice.next === undefined) await noteJudged(trx, place.to)
    return slice
  })
  // Another scheduler is at it: what was judged here stands.
  if (judged === undefined) return false
  const { next } = judged
  if (next === undefined) begun.delete(tenantId)
  else begun.set(tenantId, { ...place, after: next })
  return next !== undefined
}

type NamedPolicy = { readonly version: number; readonly policy: TrustPolicy }

type Judging = {
  readonly tenantId: string
  readonly clients: readonly UsedClient[]
  readonly policy: NamedPolicy
  /** What counted for a client of which nothing is noted. */
  readonly before?: NamedPolicy | undefined
}

async function judgeClients(trx: Transaction, counts: Counts, judging: Judging): Promise<void> {
  for (const client of judging.clients) {
    const judged = judgeUsedClient(judging.policy.policy, client)
    if (!judged.ok) continue
    counts.judged += 1
    const decision = decisionOf(client, judging.policy.version, judged)
    const from = client.noted?.decision ?? (judging.before && decisionBefore(client, judging.before))
    if (isNoted(client, decision)) continue
    await settleDecision(trx, decision)
    if (from === undefined || from === decision.decision) continue
    await tellTenant(trx, judging.tenantId, changedEvent(client, from, decision, judged))
    await noteJudgement(trx, judging.policy, decision)
    counts.changed += 1
    counts.tenants.add(judging.tenantId)
  }
}

async function noteJudgement(trx: Transaction, policy: NamedPolicy, decision: NewDecision): Promise<void> {
  const { client, versionDigest: digest, reasons } = decision
  const data = {
    ...{ stage: 'document' as const, digest },
    policy: { version: policy.version, digest: policyDigest(policy.policy) },
    verdict: { decision: decision.decision, rules: auditedRules(reasons) },
  }
  await noteOwnAudit(trx, { kind: 'policy.judged', by: SCHEDULER, client, data })
}

const SCHEDULER = { kind: 'service', id: 'scheduler' } as const

type Judged = Extract<StoredJudgement, { readonly ok: true }>

// Had a person decided before that, it would be noted.
function decisionBefore(client: UsedClient, { policy }: NamedPolicy): DecisionName | undefined {
  const judged = judgeUsedClient(policy, { ...client, approved: undefined, refused: undefined })
  return judged.ok ? decisionName(judged.verdict.decision) : undefined
}

function decisionOf({ client, version }: UsedClient, policyVersion: number, judged: Judged): NewDecision {
  const { verdict, given } = judged
  return {
    ...{ client, versionDigest: version.digest, policyVersion, reasons: verdict.reasons },
    decision: decisionName(verdict.decision),
    waitsForReview: verdict.decision === 'hold' || (verdict.decision === 'admit' && given.held.length > 0),
  }
}

function isNoted(
  { noted }: UsedClient,
  { decision, versionDigest, waitsForReview, policyVersion }: NewDecision,
): boolean {
  if (noted === undefined || noted.isDue) return false
  // Whoever looks at the queue wants the reasons of the policy in force.
  if (waitsForReview && noted.policyVersion !== policyVersion) return false
  return (
    noted.decision === decision && noted.digest === versionDigest && noted.waitsForReview === waitsForReview
  )
}

function changedEvent(
  { clientId, version }: UsedClient,
  from: DecisionName,
  { decision, policyVersion, reasons }: NewDecision,
  { given }: Judged,
): RegistrarEvent {
  return {
    type: 'decision.changed',
    data: {
      ...{ client_id: clientId, digest: given.digest ?? version.digest, from, to: decision },
      policy_version: policyVersion,
      rules: [...new Set(reasons.map(({ rule }) => rule))],
      codes: [...new Set(reasons.map(({ code }) => code))],
    },
  }
}

/** The policy in force for the tenant of the transaction, or the one of a version; undefined: it cannot be read. */
async function policyOf(trx: Transaction, version?: number): Promise<NamedPolicy | undefined> {
  const { inForce, profile } = await readPolicyVersions(trx)
  const wanted = version ?? inForce
  if (wanted === 0) {
    return isProfileId(profile) ? { version: 0, policy: { ...DEFAULT_TRUST_POLICY, profile } } : undefined
  }
  const read = readTrustPolicy((await findPolicy(trx, wanted))?.policy)
  return read.ok ? { version: wanted, policy: read.policy } : undefined
}
