import {
  type ClientIdUrl,
  type ClientMetadata,
  chainableText,
  changeClasses,
  compareMetadata,
  effectiveDocument,
  parseClientIdUrl,
  readStoredDocument,
  readTrustPolicy,
  registrableDomainOf,
  restrictToPolicy,
  type TrustPolicy,
} from '@cimd/core'
import {
  type Authenticated,
  BINDING_LEASE_SECONDS,
  type BindingKind,
  type ClientView,
  countUse,
  findClient,
  findClientLife,
  findNamedVersion,
  findPolicy,
  type NamedVersion,
  noteOwnAudit,
  notePseudonym,
  readClientHistory,
  reportBinding,
  setBaseline,
  type Transaction,
  withTenant,
} from '@cimd/store'
import type { z } from 'zod'
import { policyFor } from './admission.ts'
import { actorOf } from './authenticate.ts'
import { changesBody } from './changes-body.ts'
import { clientBody } from './client-body.ts'
import { documentUsability, freshnessBody } from './freshness-body.ts'
import { givenDocument, noteGiven } from './given-document.ts'
import type { ClientBody, changesAnswer } from './life-schemas.ts'
import { identifierProblem, requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'
import { findReputation, type ReputationDeps, reputationBody } from './reputation.ts'
import type { ResolveDeps } from './resolve-client.ts'

type LifeDeps = Pick<ResolveDeps, 'identifiers' | 'policies'> & ReputationDeps

/** What else is told of a use, for the audit alone. */
type ToldOfUse = Partial<Record<'redirect_uri' | 'auth_method' | 'scope' | 'grant_type', string | undefined>>
type Known = { readonly clientId: ClientIdUrl; readonly view: ClientView; readonly client: string }

/** Everything the caller's tenant may know of a client. Throws the problem of one it never asked for. */
export function describeClient(
  deps: LifeDeps,
  caller: Authenticated,
  query: { readonly clientId: string; readonly before: string | undefined; readonly limit: number },
): Promise<ClientBody> {
  return withKnown(deps, caller, query.clientId, async (trx, { clientId, view, client }) => {
    const life = await findClientLife(trx, client)
    if (life === undefined) throw new ProblemError(requestProblem('client_unknown'))
    const { before, limit } = query
    const history = await readClientHistory(trx, client, { before, limit })
    const reputation = reputationBody(await findReputation({ ...deps, db: trx }, clientId, view), view)
    return clientBody(clientId, view, life, { history, limit, reputation })
  })
}

/**
 * Keeps a version for what the caller's tenant has built on it, and counts whose it is; the end of the lease (CHG-09). A code is
 * nobody's yes, and whoever asks to be logged in has not said it either: consent and tokens count. Where consent is to be asked
 * for again, what was consented to is what the next document is compared with (CHG-02).
 */
export async function reportUse(
  deps: LifeDeps,
  caller: Authenticated,
  report: {
    readonly clientId: string
    readonly digest: string
    readonly kind: BindingKind
    readonly leaseSeconds: number | undefined
    readonly subject: string | undefined
    readonly told: ToldOfUse
  },
): Promise<Date> {
  const { digest, kind, leaseSeconds = BINDING_LEASE_SECONDS[kind], subject } = report
  const reading = await deps.policies.inForce(caller)
  const asksAgain = reading.ok && reading.policy.changes === 'require_reconsent'
  return withKnown(deps, caller, report.clientId, async (trx, { clientId, client }) => {
    const until = await reportBinding(trx, { client, digest, kind, leaseSeconds })
    if (until === undefined) throw new ProblemError(requestProblem('version_unknown'))
    // Where changes are held, only an approval may widen what is compared with.
    if (kind === 'consent' && asksAgain) await agreeTo(trx, client, digest)
    const pseudonym = subject === undefined ? undefined : await notePseudonym(trx, subject)
    if (pseudonym !== undefined && kind !== 'code') {
      const domain = registrableDomainOf(new URL(clientId).hostname)
      await countUse(trx, { client, domain, pseudonym }, { fleet: deps.fleetReputation })
    }
    const data = { digest, ...chainable(report.told) }
    await noteOwnAudit(trx, { kind: `report.${kind}`, by: actorOf(caller), client, subject: pseudonym, data })
    return until
  })
}

function chainable(told: ToldOfUse): ToldOfUse {
  const { redirect_uri, auth_method, scope, grant_type } = told
  const given = Object.entries({ redirect_uri, auth_method, scope, grant_type })
  return Object.fromEntries(
    given.flatMap(([name, text]) => (text === undefined ? [] : [[name, chainableText(text)]])),
  )
}

async function agreeTo(trx: Transaction, client: string, digest: string): Promise<void> {
  const named = await findNamedVersion(trx, client, digest)
  if (named === undefined) return
  await setBaseline(trx, client, named.kind === 'version' ? digest : named.current.digest)
}

/** What changed for the caller's tenant since the answer with a digest (CHG-07, CHG-09). */
export async function describeChanges(
  deps: LifeDeps,
  caller: Authenticated,
  { clientId: presented, since }: { readonly clientId: string; readonly since: string },
): Promise<z.infer<typeof changesAnswer>> {
  const judged = await policyFor(deps.policies, caller)
  if (!judged.ok) throw new ProblemError(judged.problem)
  const { given, body } = await withKnown(
    deps,
    caller,
    presented,
    async (trx, { clientId, view, client }) => {
      const named = await findNamedVersion(trx, client, since)
      const before = named && (await metadataOf(trx, clientId, named))
      if (before === undefined || view.version === undefined) {
        throw new ProblemError(requestProblem('version_unknown'))
      }
      const now = givenDocument(clientId, view, view.version, judged)
      if (!now.ok) throw new ProblemError(now.problem)
      const changes = compareMetadata(before, now.metadata)
      return {
        given: { client_id: clientId, digest: now.digest, effective: now.effective },
        body: {
          ...{ client_id: clientId, from_digest: since, to_digest: now.digest },
          classes: [...changeClasses(changes)],
          changes: changesBody(changes),
          freshness: freshnessBody(documentUsability(view, now.underOldRules), view.standing),
        },
      }
    },
  )
  await noteGiven(deps.db, caller.tenantId, given)
  return body
}

/** What a digest named when it was given, whatever newer rules have against it; undefined if no rules could allow it. */
async function metadataOf(
  trx: Transaction,
  clientId: ClientIdUrl,
  named: NamedVersion,
): Promise<ClientMetadata | undefined> {
  const versions = named.kind === 'version' ? [named.version] : [named.approved, named.current]
  const [first, second] = versions.map(({ body }) => {
    const read = readStoredDocument({ body, rulesVersion: 0 }, clientId)
    return read.ok ? read.metadata : undefined
  })
  if (named.kind === 'version' || first === undefined || second === undefined) return first
  const { metadata } = effectiveDocument(first, second)
  if (named.policyVersion === undefined) return metadata
  const policy = await readPolicy(trx, named.policyVersion)
  return policy && restrictToPolicy(policy, metadata).metadata
}

async function readPolicy(trx: Transaction, version: number): Promise<TrustPolicy | undefined> {
  const read = readTrustPolicy((await findPolicy(trx, version))?.policy)
  return read.ok ? read.policy : undefined
}

// Before its own first demand a tenant learns nothing of what others know.
function withKnown<T>(
  { db, identifiers }: LifeDeps,
  { tenantId }: Authenticated,
  presented: string,
  work: (trx: Transaction, known: Known) => Promise<T>,
): Promise<T> {
  const identified = parseClientIdUrl(presented, identifiers)
  if (!identified.ok) {
    throw new ProblemError(identifierProblem(identified.code, identified.violations))
  }
  const clientId = identified.value
  return withTenant(db, tenantId, async (trx) => {
    const view = await findClient(trx, clientId)
    if (view.id === undefined || view.lastResolvedAt === undefined) {
      throw new ProblemError(requestProblem('client_unknown'))
    }
    return work(trx, { clientId, view, client: view.id })
  })
}
