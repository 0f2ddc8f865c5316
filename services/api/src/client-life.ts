import {
  type ClientIdUrl,
  type ClientMetadata,
  changeClasses,
  compareMetadata,
  effectiveDocument,
  parseClientIdUrl,
  readStoredDocument,
} from '@cimd/core'
import {
  type Authenticated,
  BINDING_LEASE_SECONDS,
  type BindingKind,
  type ClientView,
  findClient,
  findClientLife,
  findNamedVersion,
  type NamedVersion,
  readClientHistory,
  reportBinding,
  type Transaction,
  withTenant,
} from '@cimd/store'
import type { z } from 'zod'
import { changesBody } from './changes-body.ts'
import { clientBody } from './client-body.ts'
import { documentUsability, freshnessBody } from './freshness-body.ts'
import { givenDocument, noteGiven } from './given-document.ts'
import type { ClientBody, changesAnswer } from './life-schemas.ts'
import { identifierProblem, requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'
import type { ResolveDeps } from './resolve-client.ts'

type LifeDeps = Pick<ResolveDeps, 'db' | 'identifiers'>
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
    return clientBody(clientId, view, life, { history, limit })
  })
}

/** Keeps a version for what the caller's tenant has built on it; the end of the lease (CHG-09). */
export function reportUse(
  deps: LifeDeps,
  caller: Authenticated,
  report: {
    readonly clientId: string
    readonly digest: string
    readonly kind: BindingKind
    readonly leaseSeconds: number | undefined
  },
): Promise<Date> {
  const { digest, kind, leaseSeconds = BINDING_LEASE_SECONDS[kind] } = report
  return withKnown(deps, caller, report.clientId, async (trx, { client }) => {
    const until = await reportBinding(trx, { client, digest, kind, leaseSeconds })
    if (until === undefined) throw new ProblemError(requestProblem('version_unknown'))
    return until
  })
}

/** What changed for the caller's tenant since the answer with a digest (CHG-07, CHG-09). */
export async function describeChanges(
  deps: LifeDeps,
  caller: Authenticated,
  { clientId: presented, since }: { readonly clientId: string; readonly since: string },
): Promise<z.infer<typeof changesAnswer>> {
  const { given, body } = await withKnown(
    deps,
    caller,
    presented,
    async (trx, { clientId, view, client }) => {
      const named = await findNamedVersion(trx, client, since)
      const before = named && metadataOf(clientId, named)
      if (before === undefined || view.version === undefined) {
        throw new ProblemError(requestProblem('version_unknown'))
      }
      const now = givenDocument(clientId, view, view.version)
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
function metadataOf(clientId: ClientIdUrl, named: NamedVersion): ClientMetadata | undefined {
  const versions = named.kind === 'version' ? [named.version] : [named.approved, named.current]
  const [first, second] = versions.map(({ body }) => {
    const read = readStoredDocument({ body, rulesVersion: 0 }, clientId)
    return read.ok ? read.metadata : undefined
  })
  if (named.kind === 'version' || first === undefined) return first
  return second && effectiveDocument(first, second).metadata
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
