import type { Evidence, Reception, Subscription, WebhookReception } from '../evidence.ts'
import { finding, type Invariant, type Violation } from './invariant.ts'

/**
 * Every event of the feed that a subscription wants is received at least once, and of each client in order: no event
 * before the one it follows was answered with a success.
 */
export const webhooksArrive: Invariant = (evidence) => {
  const { subscriptions, received } = evidence.webhooks
  const violations = subscriptions.flatMap((subscription) => {
    const own = received.filter((reception) => reception.subscription === subscription.id)
    return judge(subscription, wantedOf(evidence, subscription), own)
  })
  const checked = { subscriptions: subscriptions.length }
  return finding('webhooks arrive, each client in order', checked, violations, {
    deliveries: received.length,
  })
}

function wantedOf({ received }: Evidence, { tenant, types }: Subscription): readonly Reception[] {
  const firsts = new Map((received.get(tenant) ?? []).map((reception) => [reception.cursor, reception]))
  const inOrder = [...firsts.values()].toSorted((a, b) => a.cursor - b.cursor)
  return inOrder.filter(({ type }) => types === undefined || types.includes(type))
}

function judge(
  { id: name }: Subscription,
  wanted: readonly Reception[],
  received: readonly WebhookReception[],
): readonly Violation[] {
  const accepted = received.filter(({ status = 0 }) => status >= 200 && status < 300)
  const seen = new Set(accepted.map(({ id }) => id))
  const known = new Set(wanted.map(({ id }) => id))
  const lost = wanted.filter(({ id }) => !seen.has(id))
  const strange = received.filter(({ id }) => !known.has(id))
  return [
    ...lost.map(({ id, subject, at }): Violation => {
      return { wrong: 'lost', what: `${name}: ${id} of ${subject} was never delivered`, at }
    }),
    ...strange.map(({ id, at }): Violation => {
      return { wrong: 'unexplained', what: `${name}: ${id} is in no feed, or not wanted`, at }
    }),
    ...judgeOrder(name, wanted, received),
  ]
}

/** The first receptions of each client's events are in the order of its feed. */
function judgeOrder(
  name: string,
  wanted: readonly Reception[],
  received: readonly WebhookReception[],
): readonly Violation[] {
  const place = new Map(wanted.map(({ id }, index) => [id, index]))
  const newest = new Map<string, number>()
  const seen = new Set<string>()
  return received.flatMap(({ id, subject, at }): readonly Violation[] => {
    const index = place.get(id)
    if (subject === undefined || index === undefined || seen.has(id)) return []
    seen.add(id)
    const before = newest.get(subject) ?? -1
    newest.set(subject, Math.max(before, index))
    return index > before
      ? []
      : [{ wrong: 'out of order', what: `${name}: ${id} of ${subject} came after what follows it`, at }]
  })
}
