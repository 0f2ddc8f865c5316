import { DISABLED_CODES, filterRequest, SECRET_OVERLAP_SECONDS } from '@cimd/core'
import { z } from 'zod'
import { cursor } from './schemas.ts'

const instant = z.iso.datetime()
const url = z
  .string()
  .max(2048)
  .describe('Where events are sent: https, a public host name, any port, no credentials and no fragment.')
const filter = filterRequest.shape

export const subscriptionParameters = z.object({ id: z.uuid().describe('Of the subscription.') })

export const subscriptionRequest = z.strictObject({
  url,
  ...filter,
  after: cursor
    .optional()
    .describe(
      'What comes after this cursor of the feed is told, `0` for all that is kept; absent: from now on.',
    ),
})

export const subscriptionChange = z
  .strictObject({ url: url.optional(), ...filter })
  .describe('What is absent stays as it is. Another `url` is verified anew, also where it was disabled.')

export const subscription = z.object({
  id: z.uuid(),
  url: z.string().describe('As a URL library writes it.'),
  types: z.array(z.string()).optional().describe('Absent: every type.'),
  hosts: z.array(z.string()).optional().describe('Absent: every host.'),
  change_classes: z.array(z.string()).optional().describe('Absent: every class.'),
  state: z
    .enum(['verifying', 'active', 'disabled'])
    .describe(
      '`verifying`: the endpoint has not returned its challenge yet, and is told nothing; what comes waits.',
    ),
  state_since: instant,
  disabled_code: z
    .enum(Object.keys(DISABLED_CODES) as [keyof typeof DISABLED_CODES])
    .optional()
    .describe(
      Object.entries(DISABLED_CODES)
        .map(([code, meaning]) => `\`${code}\`: ${meaning}`)
        .join(' '),
    ),
  failures: z.number().describe('Since the endpoint last took an event.'),
  failing_since: instant.optional().describe('When the first of these failures was.'),
  paused_until: instant.optional().describe('Nothing is sent before then: the endpoint failed too often.'),
  cursor: cursor.describe('Up to there the feed is divided into deliveries.'),
  created_at: instant,
})
export type SubscriptionBody = z.infer<typeof subscription>

const secret = z
  .string()
  .describe('What deliveries are signed with, by the rules of Standard Webhooks. It is never told again.')

export const madeSubscription = z
  .object({ subscription, secret })
  .describe('It is verified now: docs/integrations/webhooks.md.')
export const subscriptions = z.object({ subscriptions: z.array(subscription) })

export const secretRequest = z
  .strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(SECRET_OVERLAP_SECONDS.max)
      .default(SECRET_OVERLAP_SECONDS.default)
      .describe('How long the secret before it signs as well; those before that end now.'),
  })
  .nullish()
export const madeSecret = z.object({ secret, previous_until: instant })

export const deliveriesQuery = z.strictObject({
  state: z
    .enum(['waiting', 'delivered', 'dead'])
    .optional()
    .describe('`dead`: given up, for three days without success while the endpoint took other events.'),
  before: cursor.optional().describe('`next` of an answer: only what is older.'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

export const deliveries = z.object({
  deliveries: z
    .array(
      z.object({
        event_id: z.uuid().describe('The `id` of the event, and the `webhook-id` of the delivery.'),
        type: z.string(),
        client_id: z.string().optional().describe('Absent where the event is about no client.'),
        cursor: cursor.describe('The place of the event in your feed.'),
        state: z.enum(['waiting', 'delivered', 'dead']),
        attempts: z.number(),
        created_at: instant,
        tried_since: instant.optional(),
        tried_at: instant.optional().describe('The newest attempt.'),
        code: z
          .string()
          .optional()
          .describe(
            'How it failed: `endpoint_status`, `endpoint_gone`, `event_forgotten`, or as in docs/failures.md.',
          ),
        status: z.number().optional().describe('That the endpoint answered with.'),
        answer: z.string().optional().describe('The first words of the answer.'),
      }),
    )
    .describe('The newest event first.'),
  next: cursor.optional().describe('`before` of the next request. Absent at the end.'),
})

const REPLAYS = 'must be {"event_id": "…"}, {"dead": true} or {"after": "…", "up_to": "…"}, cursors as text'

export const replayRequest = z
  .union(
    [
      z.strictObject({ event_id: z.uuid() }).describe('One event.'),
      z.strictObject({ dead: z.literal(true) }).describe('All that was given up.'),
      z
        .strictObject({
          after: cursor,
          up_to: cursor.optional().describe('Inclusive; absent: up to now.'),
        })
        .describe('What lies in a range of the feed.'),
    ],
    { error: REPLAYS },
  )
  .describe(
    'What was never for this subscription is not delivered: to be told older events, make another subscription with `after`.',
  )
export type ReplayRequest = z.infer<typeof replayRequest>
export const replayed = z.object({
  deliveries: z.number().describe('How many wait again. What waited already is not counted.'),
})
