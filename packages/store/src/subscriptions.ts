import { randomBytes } from 'node:crypto'
import type { ChangeClass, DisabledCode, SubscriptionFilter } from '@cimd/core'
import { type SelectExpression, sql } from 'kysely'
import type { Transaction } from './db.ts'
import type { Database } from './tables.ts'

/** A tenant's subscription, as it stands. */
export type Subscription = {
  readonly id: string
  readonly url: string
  readonly filter: SubscriptionFilter
  /** `verifying`: its endpoint has not shown yet that it wants the events. */
  readonly state: 'verifying' | 'active' | 'disabled'
  readonly stateSince: Date
  readonly disabledCode: DisabledCode | undefined
  /** Failures since the endpoint last took something, and when they began. */
  readonly failures: number
  readonly failingSince: Date | undefined
  readonly pausedUntil: Date | undefined
  /** Up to where the tenant's feed is divided into deliveries. */
  readonly position: number
  readonly createdAt: Date
}

/** A subscription with the secret its deliveries are signed with: the only time that it is told. */
export type NewSubscription = { readonly subscription: Subscription; readonly secret: Uint8Array }

/** Another secret, and how long the one before it signs as well. */
export type RotatedSecret = { readonly secret: Uint8Array; readonly previousUntil: Date }

/** What is to be changed; undefined stays as it is, and null wants everything again. */
export type SubscriptionChange = {
  readonly url?: string | undefined
  readonly types?: readonly string[] | null | undefined
  readonly hosts?: readonly string[] | null | undefined
  readonly changeClasses?: readonly ChangeClass[] | null | undefined
}

/** The lane in which the endpoint of a subscription is verified. */
export const VERIFICATION_LANE = '-1'

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32
const CHALLENGE_BYTES = 24

/**
 * Makes a subscription of the tenant of the transaction, to be verified. It is told what comes `after` a position of the
 * feed, or from now on.
 */
export async function createSubscription(
  trx: Transaction,
  given: { readonly url: string; readonly filter: SubscriptionFilter; readonly after: number | undefined },
): Promise<NewSubscription> {
  const { id } = await trx
    .insertInto('cimd.subscriptions')
    .values({
      tenant_id: currentTenant,
      url: given.url,
      ...columnsOf(given.filter),
      challenge: newChallenge(),
      fanned_position: sql<number>`least(${given.after ?? null}::bigint, (select feed_position from cimd.tenants where id = ${currentTenant}))`,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const secret = await addSecret(trx, id)
  await openVerification(trx, id)
  return { subscription: await existing(trx, id), secret }
}

/** How many subscriptions the tenant of the transaction has; nobody else who counts adds one until that ends. */
export async function countSubscriptions(trx: Transaction): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended('cimd.subscriptions ' || ${currentTenant}, 0))`.execute(
    trx,
  )
  const { count } = await trx
    .selectFrom('cimd.subscriptions')
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', currentTenant)
    .executeTakeFirstOrThrow()
  return count
}

/** The subscriptions of the tenant of the transaction, the oldest first. */
export async function listSubscriptions(trx: Transaction): Promise<Subscription[]> {
  const rows = await ofTenant(trx).orderBy('created_at').orderBy('id').execute()
  return rows.map(fromRow)
}

export async function findSubscription(trx: Transaction, id: string): Promise<Subscription | undefined> {
  const row = await ofTenant(trx).where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Changes what is wanted, for what is not yet divided into deliveries, and the URL, which is verified anew. Undefined if there is none. */
export async function changeSubscription(
  trx: Transaction,
  id: string,
  { url, types, hosts, changeClasses }: SubscriptionChange,
): Promise<Subscription | undefined> {
  const before = await lockSubscription(trx, id)
  if (before === undefined) return undefined
  const { filter } = before
  const wanted = {
    types: types === undefined ? filter.types : (types ?? undefined),
    hosts: hosts === undefined ? filter.hosts : (hosts ?? undefined),
    changeClasses: changeClasses === undefined ? filter.changeClasses : (changeClasses ?? undefined),
  }
  await trx.updateTable('cimd.subscriptions').set(columnsOf(wanted)).where('id', '=', id).execute()
  if (url !== undefined && url !== before.url) {
    await trx.updateTable('cimd.subscriptions').set({ url }).where('id', '=', id).execute()
    await loseClaims(trx, id)
    await beginVerification(trx, id)
  }
  return existing(trx, id)
}

/** Has the endpoint verified (again). What waits is delivered after that. Undefined if there is no such subscription. */
export async function verifySubscription(trx: Transaction, id: string): Promise<Subscription | undefined> {
  if ((await lockSubscription(trx, id)) === undefined) return undefined
  await beginVerification(trx, id)
  return existing(trx, id)
}

/** Tells it nothing more until it is verified again. Undefined if there is no such subscription. */
export async function disableSubscription(trx: Transaction, id: string): Promise<Subscription | undefined> {
  const before = await lockSubscription(trx, id)
  if (before === undefined) return undefined
  if (before.state !== 'disabled') {
    await trx
      .updateTable('cimd.subscriptions')
      .set({ state: 'disabled', disabled_code: 'by_request', state_since: sql`cimd.cimd_now()` })
      .where('id', '=', id)
      .execute()
  }
  return existing(trx, id)
}

/** Ends a subscription with all its deliveries. */
export async function deleteSubscription(trx: Transaction, id: string): Promise<boolean> {
  const result = await trx
    .deleteFrom('cimd.subscriptions')
    .where('id', '=', id)
    .where('tenant_id', '=', currentTenant)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/**
 * Makes another secret. The one before signs as well until `overlapSeconds` have passed, those before it no longer.
 * Undefined if there is no such subscription.
 */
export async function rotateSecret(
  trx: Transaction,
  id: string,
  overlapSeconds: number,
): Promise<RotatedSecret | undefined> {
  if ((await lockSubscription(trx, id)) === undefined) return undefined
  const secrets = () => sql`cimd.subscription_secrets where subscription_id = ${id}`
  await sql`delete from ${secrets()} and expires_at is not null`.execute(trx)
  const { rows } = await sql<{ expires_at: Date }>`update cimd.subscription_secrets
    set expires_at = cimd.cimd_now() + make_interval(secs => ${overlapSeconds})
    where subscription_id = ${id} returning expires_at`.execute(trx)
  const [previous] = rows
  if (previous === undefined) throw new Error(`subscription ${id} has no secret to replace`)
  return { secret: await addSecret(trx, id), previousUntil: previous.expires_at }
}

/** Locks a subscription of the tenant of the transaction against whoever delivers to it. */
export async function lockSubscription(trx: Transaction, id: string): Promise<Subscription | undefined> {
  const row = await ofTenant(trx).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
  return row && fromRow(row)
}

async function beginVerification(trx: Transaction, id: string): Promise<void> {
  await trx
    .updateTable('cimd.subscriptions')
    .set({
      ...{
        state: 'verifying',
        disabled_code: null,
        state_since: sql`cimd.cimd_now()`,
        challenge: newChallenge(),
      },
      ...{ failures: 0, failing_since: null, paused_until: null },
    })
    .where('id', '=', id)
    .execute()
  await openVerification(trx, id)
}

// What the endpoint before still answers says nothing of the new one. The leases last: whoever asks it is still under way.
async function loseClaims(trx: Transaction, id: string): Promise<void> {
  await sql`
    update cimd.lanes set claim_token = gen_random_uuid()
    where subscription_id = ${id} and lane <> ${VERIFICATION_LANE} and claim_token is not null`.execute(trx)
}

// One that is under way counts until it has ended, or as many could be as a tenant asks for.
async function openVerification(trx: Transaction, id: string): Promise<void> {
  await sql`
    insert into cimd.lanes (subscription_id, lane, due_at) values (${id}, ${VERIFICATION_LANE}, cimd.cimd_now())
    on conflict (subscription_id, lane) do update set due_at = excluded.due_at`.execute(trx)
}

async function addSecret(trx: Transaction, id: string): Promise<Uint8Array> {
  const secret = randomBytes(SECRET_BYTES)
  await sql`insert into cimd.subscription_secrets (subscription_id, secret) values (${id}, ${secret})`.execute(
    trx,
  )
  return secret
}

const currentTenant = sql<string>`cimd.current_tenant()`

const COLUMNS = [
  ...['id', 'url', 'types', 'hosts', 'change_classes', 'state', 'state_since', 'disabled_code'],
  ...['failures', 'failing_since', 'paused_until', 'fanned_position', 'created_at'],
] as const satisfies readonly SelectExpression<Database, 'cimd.subscriptions'>[]

function ofTenant(trx: Transaction) {
  return trx.selectFrom('cimd.subscriptions').select(COLUMNS).where('tenant_id', '=', currentTenant)
}

type Row = Awaited<ReturnType<ReturnType<typeof ofTenant>['executeTakeFirstOrThrow']>>

async function existing(trx: Transaction, id: string): Promise<Subscription> {
  const found = await findSubscription(trx, id)
  if (found === undefined) throw new Error(`subscription ${id} was lost in its own transaction`)
  return found
}

function fromRow(row: Row): Subscription {
  return {
    ...{ id: row.id, url: row.url, state: row.state, stateSince: row.state_since },
    filter: filterFromRow(row),
    // As core wrote it.
    disabledCode: (row.disabled_code as DisabledCode | null) ?? undefined,
    failures: row.failures,
    failingSince: row.failing_since ?? undefined,
    pausedUntil: row.paused_until ?? undefined,
    ...{ position: row.fanned_position, createdAt: row.created_at },
  }
}

/** What the columns of a subscription say that it wants. */
export function filterFromRow(row: {
  readonly types: readonly string[] | null
  readonly hosts: readonly string[] | null
  readonly change_classes: readonly string[] | null
}): SubscriptionFilter {
  return {
    types: row.types ?? undefined,
    hosts: row.hosts ?? undefined,
    changeClasses: (row.change_classes as ChangeClass[] | null) ?? undefined,
  }
}

function columnsOf({ types, hosts, changeClasses }: SubscriptionFilter) {
  return {
    types: types === undefined ? null : [...types],
    hosts: hosts === undefined ? null : [...hosts],
    change_classes: changeClasses === undefined ? null : [...changeClasses],
  }
}

function newChallenge(): string {
  return randomBytes(CHALLENGE_BYTES).toString('base64url')
}
