import type { WebhookHeaderName } from '@cimd/core'
import { Webhook } from 'standardwebhooks'

/** What is posted to a webhook. */
export type SignedWebhook = {
  readonly headers: Readonly<Record<WebhookHeaderName, string>>
  readonly body: string
}

/**
 * Signs a body by the rules of Standard Webhooks, with every secret that is in force. The id is that of what is told, the
 * same however often it is; the time is that of this sending, by a real clock, since receivers compare it with theirs.
 */
export function signWebhook(
  id: string,
  body: string,
  { secrets, sentAt }: { readonly secrets: readonly Uint8Array[]; readonly sentAt: Date },
): SignedWebhook {
  const signatures = secrets.map((key) => new Webhook(key, { format: 'raw' }).sign(id, sentAt, body))
  return {
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
  }
}
