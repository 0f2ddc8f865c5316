import { filterOf, filterRequest, formatWebhookSecret, parseWebhookUrl } from '@cimd/core'
import {
  createSubscription,
  type Db,
  deleteSubscription,
  disableSubscription,
  findSubscription,
  listSubscriptions,
  rotateSecret,
  type Subscription,
  type Transaction,
  verifySubscription,
  withTenant,
} from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatInstant, remark, say, sayFacts, sayJson, sayTable } from './print.ts'
import { getTenant, type StoreDeps } from './tenant.ts'

type Json = { readonly json: boolean | undefined }
type OfTenant = Json & { readonly tenant: string }
type OfSubscription = OfTenant & { readonly id: string }

export type SubscriptionAddArgs = OfTenant & {
  readonly url: string
  readonly types: readonly string[] | undefined
  readonly hosts: readonly string[] | undefined
  readonly changeClasses: readonly string[] | undefined
  /** A cursor of the feed. */
  readonly after: number | undefined
}

/** Makes a subscription and prints its secret, alone on standard output, so that a shell can take it. */
export async function runSubscriptionAdd(deps: StoreDeps, args: SubscriptionAddArgs): Promise<ExitCode> {
  const { output } = deps
  const { tenant, after, json } = args
  const [url, filter] = [parseUrl(args.url), parseFilter(args)]
  const made = await inTenant(deps, tenant, (trx) => createSubscription(trx, { url, filter, after }))
  const secret = formatWebhookSecret(made.secret)
  if (json) {
    sayJson(output, { tenant, subscription: bodyOf(made.subscription), secret })
    return 0
  }
  remark(output, `The subscription ${made.subscription.id} is being verified. Its secret:\n`)
  say(output, secret)
  remark(output, '\nKeep it now: it is never shown again.')
  return 0
}

/** Lists the subscriptions of a tenant. */
export async function runSubscriptionList(deps: StoreDeps, { tenant, json }: OfTenant): Promise<ExitCode> {
  const { output } = deps
  const found = await inTenant(deps, tenant, listSubscriptions)
  if (json) sayJson(output, { tenant, subscriptions: found.map(bodyOf) })
  else if (found.length === 0) {
    say(output, `No subscriptions. Make one: cimd subscription add --tenant ${tenant} URL`)
  } else sayTable(output, ['ID', 'STATE', 'FAILURES', 'URL'], found.map(rowOf))
  return 0
}

/** Shows one subscription. */
export async function runSubscriptionShow(
  deps: StoreDeps,
  { tenant, id, json }: OfSubscription,
): Promise<ExitCode> {
  const found = known(await inTenant(deps, tenant, (trx) => findSubscription(trx, id)), id, tenant)
  if (json) sayJson(deps.output, bodyOf(found))
  else sayFacts(deps.output, factsOf(found))
  return 0
}

/** Makes another secret and prints it, alone on standard output. */
export async function runSubscriptionRotateSecret(
  deps: StoreDeps,
  { tenant, id, overlapSeconds, json }: OfSubscription & { readonly overlapSeconds: number },
): Promise<ExitCode> {
  const { output } = deps
  const rotated = await inTenant(deps, tenant, (trx) => rotateSecret(trx, id, overlapSeconds))
  const { secret, previousUntil } = known(rotated, id, tenant)
  if (json) {
    sayJson(output, { id, secret: formatWebhookSecret(secret), previous_until: previousUntil })
    return 0
  }
  remark(
    output,
    `The new secret of ${id}; the one before signs as well until ${formatInstant(previousUntil)}:\n`,
  )
  say(output, formatWebhookSecret(secret))
  remark(output, '\nKeep it now: it is never shown again.')
  return 0
}

/** Has the endpoint verified (again), also that of a disabled subscription. */
export async function runSubscriptionVerify(deps: StoreDeps, args: OfSubscription): Promise<ExitCode> {
  return step(deps, args, {
    take: verifySubscription,
    said: 'is being verified; what waits is delivered after that.',
  })
}

/** Has the endpoint told nothing until it is verified again. */
export async function runSubscriptionDisable(deps: StoreDeps, args: OfSubscription): Promise<ExitCode> {
  return step(deps, args, { take: disableSubscription, said: 'is disabled; what comes waits.' })
}

/** Ends a subscription with all its deliveries. */
export async function runSubscriptionRemove(
  deps: StoreDeps,
  { tenant, id, json }: OfSubscription,
): Promise<ExitCode> {
  const removed = await inTenant(deps, tenant, (trx) => deleteSubscription(trx, id))
  known(removed || undefined, id, tenant)
  if (json) sayJson(deps.output, { id, removed })
  else say(deps.output, `The subscription ${id} is removed, with all its deliveries.`)
  return 0
}

/** Does something in a transaction of the tenant of that name. Throws if there is none. */
export async function inTenant<T>(
  deps: Pick<StoreDeps, 'withStore'>,
  name: string,
  work: (trx: Transaction) => Promise<T>,
): Promise<T> {
  return forTenant(deps, name, (db, tenant) => withTenant(db, tenant, work))
}

/** Does something for the tenant of that name, in as many transactions as it takes. Throws if there is none. */
export async function forTenant<T>(
  { withStore }: Pick<StoreDeps, 'withStore'>,
  name: string,
  work: (db: Db, tenant: string) => Promise<T>,
): Promise<T> {
  return withStore(async (db: Db) => {
    return work(db, await getTenant(db, name))
  })
}

/** What there is. Throws if there is no such subscription. */
export function known<T>(found: T | undefined, id: string, tenant: string): T {
  if (found !== undefined) return found
  throw new Error(`there is no subscription ${id}: cimd subscription list --tenant ${tenant}`)
}

async function step(
  deps: StoreDeps,
  { tenant, id, json }: OfSubscription,
  {
    take,
    said,
  }: {
    readonly take: (trx: Transaction, id: string) => Promise<Subscription | undefined>
    readonly said: string
  },
): Promise<ExitCode> {
  const found = known(await inTenant(deps, tenant, (trx) => take(trx, id)), id, tenant)
  if (json) sayJson(deps.output, bodyOf(found))
  else say(deps.output, `The subscription ${id} ${said}`)
  return 0
}

function parseUrl(given: string): string {
  const parsed = parseWebhookUrl(given)
  if (parsed.ok) return parsed.value
  throw new UsageError(`events cannot be sent to ${given} (${parsed.code}): ${parsed.detail}`)
}

function parseFilter({ types, hosts, changeClasses }: SubscriptionAddArgs) {
  const parsed = filterRequest.safeParse({ types, hosts, change_classes: changeClasses })
  if (parsed.success) return filterOf(parsed.data)
  throw new UsageError(
    parsed.error.issues.map(({ path, message }) => `${path.join(' ')}: ${message}`).join('; '),
  )
}

function factsOf(subscription: Subscription): (readonly [string, string])[] {
  const { filter, state, disabledCode, failures, failingSince, pausedUntil } = subscription
  const why = disabledCode === undefined ? '' : ` (${disabledCode})`
  const failing = failingSince && `${failures} since ${formatInstant(failingSince)}`
  return [
    ['id', subscription.id],
    ['url', subscription.url],
    ['state', `${state}${why} since ${formatInstant(subscription.stateSince)}`],
    ['types', listText(filter.types)],
    ['hosts', listText(filter.hosts)],
    ['classes', listText(filter.changeClasses)],
    ['failures', failing ?? 'none'],
    ...(pausedUntil ? [['paused', `until ${formatInstant(pausedUntil)}`] as const] : []),
    ['cursor', String(subscription.position)],
    ['created', formatInstant(subscription.createdAt)],
  ]
}

function listText(wanted: readonly string[] | undefined): string {
  return wanted?.join(', ') ?? 'all'
}

function rowOf({ id, state, failures, url }: Subscription): string[] {
  return [id, state, String(failures), url]
}

function bodyOf(subscription: Subscription) {
  const { filter } = subscription
  return {
    ...{ id: subscription.id, url: subscription.url, types: filter.types ?? null },
    ...{ hosts: filter.hosts ?? null, change_classes: filter.changeClasses ?? null },
    ...{ state: subscription.state, state_since: subscription.stateSince },
    disabled_code: subscription.disabledCode ?? null,
    failures: subscription.failures,
    failing_since: subscription.failingSince ?? null,
    paused_until: subscription.pausedUntil ?? null,
    ...{ cursor: String(subscription.position), created_at: subscription.createdAt },
  }
}
