import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Origin } from '../harness/origin.ts'
import type { WebhookReception } from './evidence.ts'
import type { Random } from './random.ts'

/** Somebody to whom webhooks are sent: takes what comes, except when not. */
export type WebhookReceiver = {
  /** Where a subscription has its events sent. */
  readonly urlOf: (name: string) => string
  readonly received: readonly WebhookReception[]
  /** Takes everything from now on, so that what is owed can arrive. */
  readonly behave: () => void
}

const HOST = 'hooks.example.net'
const REFUSED_SHARE = 0.1
const SILENT_SHARE = 0.03
/** Longer than the notifiers of a run wait. */
const SILENCE_MS = 5_000

/** Receives behind the TLS of the origin; it verifies nothing and writes down all that it is sent. */
export function startWebhookReceiver(origin: Origin, random: Random): WebhookReceiver {
  const received: WebhookReception[] = []
  let wellBehaved = false
  const statusOf = (): number | undefined => {
    const drawn = wellBehaved ? 1 : random.next()
    if (drawn < SILENT_SHARE) return undefined
    return drawn < SILENT_SHARE + REFUSED_SHARE ? 500 : 204
  }
  const receive = async (subscription: string, request: IncomingMessage, response: ServerResponse) => {
    const event = JSON.parse(await text(request))
    if (event.type === 'subscription.verification') {
      return void response.setHeader('content-type', 'application/json').end(JSON.stringify(event))
    }
    const status = statusOf()
    const { id, subject, clientseq } = event
    received.push({ at: Date.now(), subscription, id, subject, clientseq, status })
    if (status === undefined) await sleep(SILENCE_MS, undefined, { ref: false })
    response.writeHead(status ?? 500).end()
  }
  return {
    urlOf: (name) => {
      origin.serve(HOST, `/${name}`, (_seen, response) => {
        // A notifier that is killed lets go in the middle.
        receive(name, response.req, response).catch(() => response.destroy())
      })
      return `https://${HOST}/${name}`
    },
    received,
    behave: () => {
      wellBehaved = true
    },
  }
}
