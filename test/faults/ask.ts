import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiAnswer, ApiClient } from '../harness/api-client.ts'
import type { Demand, DemandEnd } from './evidence.ts'

/** A demand while it is being settled. */
export type OpenDemand = { -readonly [Key in keyof Demand]: Demand[Key] } & {
  readonly ticketsLost: { readonly issuedAt: number; readonly at: number }[]
}

/** How an authorization server goes about it. */
export type AskOptions = {
  readonly waitMs: number
  /** Ends it without an answer. */
  readonly signal: AbortSignal
  readonly pauseMs: () => number
  /** The database's clock, in milliseconds. */
  readonly now: () => number
}

const TICKET_WAIT_MS = 2000

/**
 * Asks until it is answered, as a real authorization server does: a call that failed or was cut off is made again, a
 * ticket is asked for until it is answered, and one that has expired is replaced by another call.
 */
export async function settle(api: ApiClient, demand: OpenDemand, options: AskOptions): Promise<void> {
  let clockAheadMs = 0
  let ticket: { readonly id: string; readonly issuedAt: number } | undefined
  while (!options.signal.aborted && demand.end === undefined) {
    const sentAt = Date.now()
    const answer = await (ticket === undefined
      ? demandOnce(api, demand, options.waitMs)
      : heard(api.ticket(ticket.id, TICKET_WAIT_MS)))
    if (answer === undefined || isOurFault(answer)) await sleep(options.pauseMs())
    else if (demand.kind === 'refresh' && isOlder(answer, demand.takenAt + clockAheadMs))
      await sleep(options.pauseMs())
    else if (ticket !== undefined && answer.body?.code === 'ticket_unknown') {
      demand.ticketsLost.push({ issuedAt: ticket.issuedAt, at: sentAt })
      ticket = undefined
    } else {
      if (ticket === undefined) {
        demand.takenAt = sentAt
        clockAheadMs = options.now() - Date.now()
      }
      const issued: string | undefined = answer.body?.ticket
      if (issued !== undefined)
        ticket = { id: issued, issuedAt: ticket?.id === issued ? ticket.issuedAt : sentAt }
      else demand.end = endOf(answer)
      if (answer.status === 503) await sleep(options.pauseMs())
    }
  }
}

async function demandOnce(
  api: ApiClient,
  demand: OpenDemand,
  waitMs: number,
): Promise<ApiAnswer | undefined> {
  demand.calls += 1
  const { clientId: client_id, kind } = demand
  return await heard(
    kind === 'refresh' ? api.refresh({ client_id }) : api.resolve({ client_id, wait_ms: waitMs }),
  )
}

/** Undefined: the connection was refused or broke off, so nobody knows what became of the call. */
async function heard(call: Promise<ApiAnswer>): Promise<ApiAnswer | undefined> {
  try {
    return await call
  } catch {
    return undefined
  }
}

/** Says nothing of the client, or nothing that would not be worth another call. */
function isOurFault({ status, body }: ApiAnswer): boolean {
  if (body?.ticket !== undefined) return false
  return status >= 500 || status === 429
}

/** While a fetch runs the record is answered as it is: whoever has asked for a newer one goes on asking. */
function isOlder({ body }: ApiAnswer, since: number): boolean {
  if (body?.status !== 'ready' || body.freshness.why !== undefined) return false
  return Date.parse(body.validated_at) < since
}

function endOf({ body }: ApiAnswer): DemandEnd {
  const at = Date.now()
  if (body?.status === 'ready') {
    const { digest, freshness } = body
    return { at, kind: 'ready', digest, ...(freshness.why !== undefined && { code: freshness.why }) }
  }
  return { at, kind: 'problem', code: String(body?.code) }
}
