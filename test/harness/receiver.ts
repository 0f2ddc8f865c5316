import { EventEmitter, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { verifyWebhook } from '@cimd/client'
import type { CloudEvent } from '@cimd/core'
import type { Origin, Reply } from './origin.ts'

/** How a receiver answers events; `down`: the connection breaks before anything is said. */
export type ReceiverAnswer = Reply | 'down' | ((event: CloudEvent) => Reply | Promise<Reply>)

/** A subscriber's endpoint behind TLS, which verifies what comes as `@cimd/client` has it. */
export type Receiver = {
  readonly url: string
  /** Every event that was told, as often as it was, and those of them that were taken. */
  readonly told: readonly CloudEvent[]
  readonly taken: readonly CloudEvent[]
  readonly verifications: readonly string[]
  /** Why requests were refused, which none should be. */
  readonly refused: readonly string[]
  /** From its subscription on it knows the secret; what comes earlier waits for it. */
  trust(secret: Uint8Array): void
  answer(answer: ReceiverAnswer): void
  /** Resolves once something that has happened here satisfies. */
  until(isEnough: (receiver: Receiver) => boolean): Promise<void>
}

const TAKEN: Reply = { status: 204 }

/** Serves an endpoint at an origin. It returns the challenge and takes every event until it is told otherwise. */
export function startReceiver(origin: Origin, host: string, path = '/hook'): Receiver {
  const happened = new EventEmitter()
  const secret = Promise.withResolvers<string>()
  const [told, taken]: [CloudEvent[], CloudEvent[]] = [[], []]
  const [verifications, refused]: [string[], string[]] = [[], []]
  let answer: ReceiverAnswer = TAKEN

  const replyTo = async (event: CloudEvent): Promise<Reply> => {
    const reply = typeof answer === 'function' ? await answer(event) : (answer as Reply)
    const { status = 200 } = reply
    if (status >= 200 && status < 300) taken.push(event)
    return reply
  }
  const receive = async (body: string, headers: ServerResponse['req']['headers']): Promise<Reply> => {
    const verified = verifyWebhook({ secrets: [await secret.promise], headers, body })
    if (verified.ok) {
      told.push(verified.event)
      happened.emit('request')
      return replyTo(verified.event)
    }
    if (verified.reason !== 'verification') {
      refused.push(verified.detail)
      return { status: 401 }
    }
    const { challenge } = verified
    verifications.push(JSON.parse(body).subscription_id)
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ challenge }) }
  }
  origin.serve(host, path, async (_seen, response) => {
    if (answer === 'down') return void response.destroy()
    const { req } = response
    const { status = 200, headers = {}, body = '' } = await receive(await text(req), req.headers)
    response.writeHead(status, { ...headers } as Record<string, string>).end(body)
    happened.emit('request')
  })

  const receiver: Receiver = {
    ...{ url: `https://${host}${path}`, told, taken, verifications, refused },
    trust: (given) => secret.resolve(`whsec_${Buffer.from(given).toString('base64')}`),
    answer: (given) => {
      answer = given
    },
    until: async (isEnough) => {
      while (!isEnough(receiver)) await once(happened, 'request')
    },
  }
  return receiver
}
