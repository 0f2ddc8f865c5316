import { type CloudEvent, cloudEvent } from '@cimd/core'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'

/** An event as a webhook tells it. */
export type WebhookEvent = CloudEvent

/**
 * What a webhook comes to. Answer 2xx only to one that is `ok`, and only once its event is kept or done; and to a
 * verification, with `{ "challenge": … }` as the body, if the subscription is yours.
 */
export type VerifiedWebhook =
  | { readonly ok: true; readonly event: WebhookEvent }
  | {
      readonly ok: false
      readonly reason: 'verification'
      readonly detail: string
      readonly challenge: string
    }
  | { readonly ok: false; readonly reason: 'unsigned' | 'no_event'; readonly detail: string }

/**
 * Verifies a webhook by the rules of Standard Webhooks: signed with one of the secrets (several while one is replaced),
 * over its id, its time and its body, within five minutes. `body` is what came, byte by byte, before any parsing.
 */
export function verifyWebhook({
  secrets,
  headers,
  body,
}: {
  readonly secrets: readonly string[]
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string | Uint8Array
}): VerifiedWebhook {
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
  const single = Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
  const failures = secrets.map((secret) => failureOf(secret, single, text))
  if (!failures.includes(undefined)) {
    return { ok: false, reason: 'unsigned', detail: failures[0] ?? 'there is no secret to verify with' }
  }
  const told = parseJson(text)
  const challenge = challengeOf(told)
  if (challenge !== undefined) {
    return { ok: false, reason: 'verification', detail: 'the endpoint is to return the challenge', challenge }
  }
  const event = cloudEvent.safeParse(told)
  if (!event.success) return { ok: false, reason: 'no_event', detail: 'the body is no event' }
  return { ok: true, event: event.data }
}

function failureOf(secret: string, headers: Record<string, string>, text: string): string | undefined {
  try {
    new Webhook(secret).verify(text, headers, { jsonParse: false })
    return undefined
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message
    throw error
  }
}

function challengeOf(told: unknown): string | undefined {
  if (typeof told !== 'object' || told === null) return undefined
  const { type, challenge } = told as { readonly type?: unknown; readonly challenge?: unknown }
  return type === 'subscription.verification' && typeof challenge === 'string' ? challenge : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
