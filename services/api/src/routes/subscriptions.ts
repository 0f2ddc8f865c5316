import { formatWebhookSecret, SECRET_OVERLAP_SECONDS } from '@cimd/core'
import {
  deleteSubscription,
  disableSubscription,
  findSubscription,
  listSubscriptions,
  rotateSecret,
  type Subscription,
  type Transaction,
  verifySubscription,
} from '@cimd/store'
import { z } from 'zod'
import type { App, AppDeps } from '../app.ts'
import { problems } from '../schemas.ts'
import { subscriptionBody } from '../subscription-body.ts'
import {
  madeSecret,
  madeSubscription,
  secretRequest,
  subscription,
  subscriptionChange,
  subscriptionParameters,
  subscriptionRequest,
  subscriptions,
} from '../subscription-schemas.ts'
import { known, makeSubscription, modifySubscription } from '../subscriptions.ts'
import { asTenant } from './as-tenant.ts'

const PATH = '/v1/subscriptions'

/** Who is told of events by webhook: docs/integrations/webhooks.md. */
export function registerSubscriptionRoutes(app: App, deps: AppDeps): void {
  registerCollection(app, deps)
  registerOne(app, deps)
  registerSecret(app, deps)
  registerStep(app, deps, 'verify', verifySubscription)
  registerStep(app, deps, 'disable', disableSubscription)
}

function registerCollection(app: App, deps: AppDeps): void {
  const make = { body: subscriptionRequest, response: { 201: madeSubscription, ...problems } }
  app.post(PATH, { schema: make }, async (request, reply) => {
    const made = await asTenant(deps, request, (trx) =>
      makeSubscription(trx, request.body, deps.subscriptionsPerTenantMax),
    )
    reply.code(201).header('cache-control', 'no-store')
    return { subscription: subscriptionBody(made.subscription), secret: formatWebhookSecret(made.secret) }
  })

  app.get(PATH, { schema: { response: { 200: subscriptions, ...problems } } }, async (request) => {
    const found = await asTenant(deps, request, listSubscriptions)
    return { subscriptions: found.map(subscriptionBody) }
  })
}

function registerOne(app: App, deps: AppDeps): void {
  const path = `${PATH}/:id`
  const params = subscriptionParameters
  const found = { params, response: { 200: subscription, ...problems } }
  app.get(path, { schema: found }, async (request) => {
    const one = await asTenant(deps, request, (trx) => findSubscription(trx, request.params.id))
    return subscriptionBody(known(one))
  })

  app.patch(path, { schema: { ...found, body: subscriptionChange } }, async (request) => {
    const one = await asTenant(deps, request, (trx) =>
      modifySubscription(trx, request.params.id, request.body),
    )
    return subscriptionBody(known(one))
  })

  const ended = z.null().describe('It has ended, with all its deliveries.')
  app.delete(path, { schema: { params, response: { 204: ended, ...problems } } }, async (request, reply) => {
    const isDeleted = await asTenant(deps, request, (trx) => deleteSubscription(trx, request.params.id))
    known(isDeleted || undefined)
    return reply.code(204).send(null)
  })
}

function registerSecret(app: App, deps: AppDeps): void {
  const schema = {
    ...{ params: subscriptionParameters, body: secretRequest },
    response: { 200: madeSecret, ...problems },
  }
  app.post(`${PATH}/:id/secret`, { schema }, async (request, reply) => {
    const overlapSeconds = request.body?.overlap_seconds ?? SECRET_OVERLAP_SECONDS.default
    const made = known(
      await asTenant(deps, request, (trx) => rotateSecret(trx, request.params.id, overlapSeconds)),
    )
    reply.header('cache-control', 'no-store')
    return { secret: formatWebhookSecret(made.secret), previous_until: made.previousUntil.toISOString() }
  })
}

function registerStep(
  app: App,
  deps: AppDeps,
  name: 'verify' | 'disable',
  step: (trx: Transaction, id: string) => Promise<Subscription | undefined>,
): void {
  const schema = { params: subscriptionParameters, response: { 200: subscription, ...problems } }
  app.post(`${PATH}/:id/${name}`, { schema }, async (request) =>
    subscriptionBody(known(await asTenant(deps, request, (trx) => step(trx, request.params.id)))),
  )
}
