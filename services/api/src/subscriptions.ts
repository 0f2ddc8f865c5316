import { type FilterRequest, filterOf, parseWebhookUrl } from '@cimd/core'
import {
  changeSubscription,
  countSubscriptions,
  createSubscription,
  type Delivery,
  findSubscription,
  listDeliveries,
  type NewSubscription,
  type Replay,
  type Subscription,
  type Transaction,
} from '@cimd/store'
import { requestProblem } from './problem.ts'
import { ProblemError } from './problem-response.ts'
import type { ReplayRequest } from './subscription-schemas.ts'

/** Makes a subscription, if the tenant of the transaction may have another. Throws the problem otherwise. */
export async function makeSubscription(
  trx: Transaction,
  asked: FilterRequest & { readonly url: string; readonly after?: string | undefined },
  perTenantMax: number,
): Promise<NewSubscription> {
  const url = requireUrl(asked.url)
  if ((await countSubscriptions(trx)) >= perTenantMax) {
    throw new ProblemError(requestProblem('subscriptions_exhausted', `A tenant has at most ${perTenantMax}.`))
  }
  const after = asked.after === undefined ? undefined : Number(asked.after)
  return createSubscription(trx, { url, filter: filterOf(asked), after })
}

/** Changes a subscription. Throws the problem of a URL that is none; undefined if there is no such subscription. */
export async function modifySubscription(
  trx: Transaction,
  id: string,
  { url, types, hosts, change_classes: changeClasses }: FilterRequest & { readonly url?: string | undefined },
): Promise<Subscription | undefined> {
  const allowed = url === undefined ? undefined : requireUrl(url)
  return changeSubscription(trx, id, { url: allowed, types, hosts, changeClasses })
}

/** Deliveries of a subscription; undefined if the tenant of the transaction has no such subscription. */
export async function findDeliveries(
  trx: Transaction,
  subscription: string,
  {
    state,
    before,
    limit,
  }: { state?: Delivery['state'] | undefined; before?: string | undefined; limit: number },
): Promise<Delivery[] | undefined> {
  if ((await findSubscription(trx, subscription)) === undefined) return undefined
  const position = before === undefined ? undefined : Number(before)
  return listDeliveries(trx, { subscription, state, before: position, limit })
}

/** What is to be delivered again. */
export function replayOf(asked: ReplayRequest): Replay {
  if ('event_id' in asked) return { eventId: asked.event_id }
  if ('dead' in asked) return asked
  return { after: Number(asked.after), upTo: asked.up_to === undefined ? undefined : Number(asked.up_to) }
}

/** What there is, or the problem that there is none, whatever others have. */
export function known<T>(found: T | undefined): T {
  if (found === undefined) throw new ProblemError(requestProblem('subscription_unknown'))
  return found
}

function requireUrl(given: string): string {
  const parsed = parseWebhookUrl(given)
  if (parsed.ok) return parsed.value
  throw new ProblemError(requestProblem('webhook_url_refused', `${parsed.code}: ${parsed.detail}`))
}
