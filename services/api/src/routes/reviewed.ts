import { hostingOf, parseClientIdUrl, registrableDomainOf } from '@cimd/core'
import {
  type Authenticated,
  clearReviewed,
  type Db,
  markReviewed,
  noteAudit,
  type Reviewable,
  withTenant,
} from '@cimd/store'
import type { App, AppDeps } from '../app.ts'
import { actorOf, requireCaller } from '../authenticate.ts'
import { identifierProblem, requestProblem } from '../problem.ts'
import { ProblemError } from '../problem-response.ts'
import { type ReviewedRequest, reviewed, reviewedRequest } from '../reputation-schemas.ts'
import { problems } from '../schemas.ts'

/** The route by which a tenant says what it has looked at itself. */
export function registerReviewedRoute(app: App, { db, identifiers }: AppDeps): void {
  const schema = { body: reviewedRequest, response: { 200: reviewed, ...problems } }
  app.post('/v1/client/reviewed', { schema }, async (request) => {
    const caller = await requireCaller(db, request)
    const reviewable = reviewableOf(request.body, identifiers)
    if (!request.body.reviewed) {
      await clear(db, caller, reviewable)
      return {}
    }
    const at = await mark(db, caller, reviewable)
    return { reviewed_at: at.toISOString() }
  })
}

function mark(db: Db, caller: Authenticated, reviewable: Reviewable): Promise<Date> {
  return withTenant(db, caller.tenantId, async (trx) => {
    const at = await markReviewed(trx, reviewable, caller.keyPrefix)
    await noteAudit(trx, { kind: 'reviewed.marked', ...entryOf(caller, reviewable) })
    return at
  })
}

async function clear(db: Db, caller: Authenticated, reviewable: Reviewable): Promise<void> {
  await withTenant(db, caller.tenantId, async (trx) => {
    const isCleared = await clearReviewed(trx, reviewable)
    if (isCleared) await noteAudit(trx, { kind: 'reviewed.cleared', ...entryOf(caller, reviewable) })
  })
}

function entryOf(caller: Authenticated, { kind, name }: Reviewable) {
  const { tenantId } = caller
  const about = kind === 'client' ? { clientId: name, data: {} } : { data: { domain: name } }
  return { tenantId, actor: actorOf(caller), ...about }
}

function reviewableOf(
  { client_id: clientId, domain }: ReviewedRequest,
  identifiers: AppDeps['identifiers'],
): Reviewable {
  if (domain !== undefined) return { kind: 'domain', name: reviewableDomain(domain) }
  const identified = parseClientIdUrl(clientId ?? '', identifiers)
  if (!identified.ok) throw new ProblemError(identifierProblem(identified.code, identified.violations))
  return { kind: 'client', name: identified.value }
}

function reviewableDomain(domain: string): string {
  const registrable = registrableDomainOf(domain)
  if (registrable !== domain) {
    throw new ProblemError(requestProblem('bad_request', `The registrable domain is ${registrable}.`))
  }
  const { kind } = hostingOf(domain)
  // A public suffix such as github.io: what is below it is each a domain of its own, which the mark would not reach.
  const isSuffix = registrableDomainOf(`below.${domain}`) !== domain
  // Whoever reviewed one publisher there has seen nothing of the next.
  if (isSuffix || kind === 'shared_host' || kind === 'cimd_service')
    throw new ProblemError(requestProblem('domain_shared'))
  return domain
}
