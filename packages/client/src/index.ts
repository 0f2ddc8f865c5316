export { createDeduplicator, type Deduplicator } from './deduplicator.ts'
export { type EventsOptions, EventsRefused, events, type FeedEvent } from './events.ts'
export { type KnownEvent, knownEvent } from './known-event.ts'
export { type VerifiedWebhook, verifyWebhook, type WebhookEvent } from './webhook.ts'
