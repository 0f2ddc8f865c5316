import { createSubscription, type Db, ensureTenant, withTenant } from '@cimd/store'
import type { Subscription } from './evidence.ts'
import type { WebhookReceiver } from './webhook-receiver.ts'

/** Has every tenant told all its events, and one of them changes alone by another subscription. */
export async function subscribe(
  db: Db,
  tenants: readonly string[],
  receiver: WebhookReceiver,
): Promise<readonly Subscription[]> {
  const all = tenants.map((tenant): Subscription => ({ id: `all-of-${tenant}`, tenant }))
  const changes = tenants.slice(0, 1).map((tenant): Subscription => {
    return { id: `changes-of-${tenant}`, tenant, types: ['client.metadata_changed'] }
  })
  const subscriptions = [...all, ...changes]
  for (const { id, tenant, types } of subscriptions) {
    await withTenant(db, await ensureTenant(db, tenant), (trx) =>
      createSubscription(trx, { url: receiver.urlOf(id), filter: { types }, after: 0 }),
    )
  }
  return subscriptions
}
