import { type CloudEvent, toCloudEvent } from '@cimd/core'
import type { Told } from '@cimd/store'

/** An event as a webhook tells it: as the feed does, and how many right before it are not told. */
export function webhookEvent(
  { event, skipped }: Extract<Told, { kind: 'event' }>,
  source: string,
): CloudEvent {
  return { ...toCloudEvent(event, source), ...(skipped > 0 && { skipped }) }
}

/** What an endpoint is asked that has to show that it wants the events. It is no event. */
export function verificationOf(subscription: string, challenge: string) {
  return { type: 'subscription.verification', challenge, subscription_id: subscription }
}

/** Whether an answer returns the challenge: as the `challenge` of a JSON object, or alone as text. */
export function returnsChallenge(
  { status, bodyText }: { readonly status: number; readonly bodyText: string },
  challenge: string,
): boolean {
  if (status < 200 || status >= 300) return false
  return bodyText.trim() === challenge || challengeIn(bodyText) === challenge
}

function challengeIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'challenge' in value ? value.challenge : undefined
  } catch {
    return undefined
  }
}
