import { listReviews, type Review, withTenant } from '@cimd/store'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { approveRequest, clientIdQuery, done, pageQuery, refuseRequest, reviews } from '../policy-schemas.ts'
import { approve, refuse, withdraw } from '../reviews.ts'
import { problems } from '../schemas.ts'

const PATH = '/v1/reviews'

/** What waits for a person of the tenant, and what they decide: docs/trust-policy.md. */
export function registerReviewRoutes(app: App, deps: AppDeps): void {
  const list = { querystring: pageQuery, response: { 200: reviews, ...problems } }
  app.get(PATH, { schema: list }, async (request) => {
    const { tenantId } = await requireCaller(deps.db, request)
    const { after, limit } = request.query
    const found = await withTenant(deps.db, tenantId, (trx) => listReviews(trx, { after, limit }))
    const next = found.length < limit ? undefined : found.at(-1)?.clientId
    return { reviews: found.map(reviewBody), ...(next !== undefined && { next }) }
  })

  const approval = { body: approveRequest, response: { 200: done, ...problems } }
  app.post(`${PATH}/approve`, { schema: approval }, async (request) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: clientId, digest, reason, expires_at } = request.body
    const expiresAt = expires_at === undefined ? undefined : new Date(expires_at)
    await approve(deps, caller, { clientId, digest, reason, expiresAt })
    return {}
  })

  const refusal = { body: refuseRequest, response: { 200: done, ...problems } }
  app.post(`${PATH}/refuse`, { schema: refusal }, async (request) => {
    const caller = await requireCaller(deps.db, request)
    const { client_id: clientId, digest, reason } = request.body
    await refuse(deps, caller, { clientId, digest, reason })
    return {}
  })

  const withdrawn = z.null().describe('Only the policy counts again.')
  const withdrawal = { querystring: clientIdQuery, response: { 204: withdrawn, ...problems } }
  app.delete(PATH, { schema: withdrawal }, async (request, reply) => {
    const caller = await requireCaller(deps.db, request)
    await withdraw(deps, caller, request.query.client_id)
    return reply.code(204).send(null)
  })
}

function reviewBody({ clientId, since, reasons, ...review }: Review) {
  return { ...review, client_id: clientId, reasons: [...reasons], since: since.toISOString() }
}
