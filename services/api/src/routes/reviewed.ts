import { hostingOf, parseClientIdUrl, registrableDomainOf } from '@cimd/core'
import { clearReviewed, markReviewed, type Reviewable, withTenant } from '@cimd/store'
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
    const { tenantId } = caller
    const reviewable = reviewableOf(request.body, identifiers)
    const by = { tenantId, actor: actorOf(caller) }
    if (!request.body.reviewed) {
      await withTenant(db, tenantId, (trx) => clearReviewed(trx, reviewable, by))
      return {}
    }
    const at = await withTenant(db, tenantId, (trx) => markReviewed(trx, reviewable, by))
    return { reviewed_at: at.toISOString() }
  })
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
