import {
  type Delivery,
  type DeliveryState,
  findSubscription,
  listDeliveries,
  type Replay,
  replayDeliveries,
} from '@cimd/store'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatCount, formatInstant, type Output, say, sayJson, sayTable } from './print.ts'
import { forTenant, inTenant, known } from './subscription.ts'
import type { StoreDeps } from './tenant.ts'

type OfSubscription = {
  readonly tenant: string
  readonly subscription: string
  readonly json: boolean | undefined
}

export type DeliveriesListArgs = OfSubscription & {
  readonly state: DeliveryState | undefined
  readonly before: number | undefined
  readonly limit: number
}

/** Lists what became of the newest events of a subscription. */
export async function runDeliveriesList(deps: StoreDeps, args: DeliveriesListArgs): Promise<ExitCode> {
  const { tenant, subscription, limit, json } = args
  const found = await inTenant(deps, tenant, async (trx) => {
    known(await findSubscription(trx, subscription), subscription, tenant)
    return listDeliveries(trx, args)
  })
  const next = found.length < limit ? undefined : found.at(-1)?.position
  if (json)
    sayJson(deps.output, { subscription, deliveries: found.map(bodyOf), next: next ? String(next) : null })
  else sayDeliveries(deps.output, found, next)
  return 0
}

export type DeliveriesReplayArgs = OfSubscription & {
  readonly event: string | undefined
  readonly dead: boolean | undefined
  readonly after: number | undefined
  readonly upTo: number | undefined
}

/** Has events delivered again: one, all that is dead, or a range of the feed. */
export async function runDeliveriesReplay(deps: StoreDeps, args: DeliveriesReplayArgs): Promise<ExitCode> {
  const { tenant, subscription, json } = args
  const replay = replayOf(args)
  const count = await forTenant(deps, tenant, (db, id) =>
    replayDeliveries(db, { tenant: id, subscription }, replay),
  )
  const deliveries = known(count, subscription, tenant)
  if (json) sayJson(deps.output, { subscription, deliveries })
  else say(deps.output, `To be delivered again: ${formatCount(deliveries, 'event')}.`)
  return 0
}

function replayOf({ event, dead, after, upTo }: DeliveriesReplayArgs): Replay {
  const given = [event, dead, after].filter((one) => one !== undefined)
  if (given.length !== 1) throw new UsageError('say one of --event, --dead and --after')
  if (upTo !== undefined && after === undefined) throw new UsageError('--up-to goes with --after')
  if (event !== undefined) return { eventId: event }
  return after === undefined ? { dead: true } : { after, upTo }
}

function sayDeliveries(output: Output, found: readonly Delivery[], next: number | undefined): void {
  if (found.length === 0) {
    say(output, 'No deliveries.')
    return
  }
  sayTable(
    output,
    ['CURSOR', 'STATE', 'ATTEMPTS', 'TRIED', 'CODE', 'TYPE', 'CLIENT_ID', 'EVENT'],
    found.map(rowOf),
  )
  if (next !== undefined) say(output, `older: --before ${next}`)
}

function rowOf(delivery: Delivery): string[] {
  const { position, state, attempts, triedAt, code = '', status, type, clientId = '', eventId } = delivery
  const tried = triedAt === undefined ? 'never' : formatInstant(triedAt)
  const why = status === undefined || code === '' ? code : `${code} ${status}`
  return [String(position), state, String(attempts), tried, why, type, clientId, eventId]
}

function bodyOf(delivery: Delivery) {
  return {
    ...{ event_id: delivery.eventId, type: delivery.type, client_id: delivery.clientId ?? null },
    ...{ cursor: String(delivery.position), state: delivery.state, attempts: delivery.attempts },
    created_at: delivery.createdAt,
    ...{ tried_since: delivery.triedSince ?? null, tried_at: delivery.triedAt ?? null },
    ...{ code: delivery.code ?? null, status: delivery.status ?? null, answer: delivery.answer ?? null },
  }
}
