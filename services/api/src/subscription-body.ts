import type { Delivery, Subscription } from '@cimd/store'
import type { z } from 'zod'
import type { deliveries, SubscriptionBody } from './subscription-schemas.ts'

/** A subscription in the form of answers. */
export function subscriptionBody(subscription: Subscription): SubscriptionBody {
  const { filter, failures, disabledCode } = subscription
  const { types, hosts, changeClasses } = filter
  return {
    ...{ id: subscription.id, url: subscription.url },
    ...(types && { types: [...types] }),
    ...(hosts && { hosts: [...hosts] }),
    ...(changeClasses && { change_classes: [...changeClasses] }),
    ...{ state: subscription.state, state_since: subscription.stateSince.toISOString() },
    ...(disabledCode && { disabled_code: disabledCode }),
    failures,
    failing_since: subscription.failingSince?.toISOString(),
    paused_until: subscription.pausedUntil?.toISOString(),
    cursor: String(subscription.position),
    created_at: subscription.createdAt.toISOString(),
  }
}

/** Deliveries in the form of answers; `limit` is how many were asked for. */
export function deliveriesBody(found: readonly Delivery[], limit: number): z.infer<typeof deliveries> {
  const next = found.length < limit ? undefined : found.at(-1)?.position
  return {
    deliveries: found.map(deliveryBody),
    ...(next !== undefined && { next: String(next) }),
  }
}

function deliveryBody(delivery: Delivery) {
  const { eventId, type, clientId, position, state, attempts, code, status, answer } = delivery
  return {
    ...{ event_id: eventId, type, client_id: clientId, cursor: String(position), state, attempts },
    created_at: delivery.createdAt.toISOString(),
    tried_since: delivery.triedSince?.toISOString(),
    tried_at: delivery.triedAt?.toISOString(),
    ...{ code, status, answer },
  }
}
