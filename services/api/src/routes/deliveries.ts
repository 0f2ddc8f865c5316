import { replayDeliveries } from '@cimd/store'
import type { App, AppDeps } from '../app.ts'
import { requireCaller } from '../authenticate.ts'
import { problems } from '../schemas.ts'
import { deliveriesBody } from '../subscription-body.ts'
import {
  deliveries,
  deliveriesQuery,
  replayed,
  replayRequest,
  subscriptionParameters,
} from '../subscription-schemas.ts'
import { findDeliveries, known, replayOf } from '../subscriptions.ts'
import { asTenant } from './as-tenant.ts'

/** What became of each event for a subscription, and the same once more. */
export function registerDeliveryRoutes(app: App, deps: AppDeps): void {
  const params = subscriptionParameters
  const list = { params, querystring: deliveriesQuery, response: { 200: deliveries, ...problems } }
  app.get('/v1/subscriptions/:id/deliveries', { schema: list }, async (request) => {
    const found = await asTenant(deps, request, (trx) =>
      findDeliveries(trx, request.params.id, request.query),
    )
    return deliveriesBody(known(found), request.query.limit)
  })

  const replay = { params, body: replayRequest, response: { 200: replayed, ...problems } }
  app.post('/v1/subscriptions/:id/replay', { schema: replay }, async (request) => {
    const { tenantId: tenant } = await requireCaller(deps.db, request)
    const { id: subscription } = request.params
    const count = await replayDeliveries(deps.db, { tenant, subscription }, replayOf(request.body))
    return { deliveries: known(count) }
  })
}
