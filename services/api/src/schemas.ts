import { ADVERTISE_FINDINGS, cloudEvent, PURPOSES } from '@cimd/core'
import { z } from 'zod'
import { change } from './changes-body.ts'
import { keys, logo } from './linked-schemas.ts'

const instant = z.iso.datetime()
const waitMs = z.coerce.number().int().min(0)

/** Default of `wait_ms`: a user waits, and most first contacts take far less. */
const WAIT_MS = 5000

const subject = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .describe('Who has logged in, in any form stable for them. Without it nothing is fetched.')

export const resolveRequest = z.strictObject({
  client_id: z.string().min(1).max(8192).describe('The client_id exactly as the client presented it.'),
  purpose: z.enum(PURPOSES).default('authorize').describe('`token` and `revoke` never cause a fetch.'),
  subject,
  wait_ms: waitMs.default(WAIT_MS).describe('How long to wait for a fetch before answering `pending`.'),
  redirect_uri: z
    .string()
    .max(8192)
    .optional()
    .describe('Adds `redirect_match` to the answer, unless it is for `revoke`.'),
})
export type ResolveRequest = z.infer<typeof resolveRequest>

export const refreshRequest = z.strictObject({
  client_id: z.string().min(1).max(8192),
  subject,
})

export const ready = z
  .object({
    status: z.literal('ready'),
    client_id: z.string(),
    document: z
      .record(z.string(), z.unknown())
      .describe('The metadata document as published, or as far as it is approved.'),
    digest: z
      .string()
      .describe(
        'sha-256 of its bytes, of its canonical JSON where changes are held: bind consent and codes to it.',
      ),
    effective: z
      .object({
        approved_digest: z.string(),
        current_digest: z.string().describe('Of the version as published.'),
        held: z.array(change).describe('What waits for approval; where empty, the document is as published.'),
      })
      .optional()
      .describe('Where a version is approved: the document is what that and the current one both allow.'),
    fetched_at: instant,
    validated_at: instant.describe('When the origin last confirmed it.'),
    freshness: z.object({
      state: z.enum(['fresh', 'stale', 'unusable']),
      since: instant.optional(),
      until: instant.optional(),
      why: z
        .string()
        .optional()
        .describe('`expired`: its lifetime is over; `rules_pending`; or a code of docs/failures.md.'),
    }),
    keys: keys.optional().describe('Where the document has `jwks` or `jwks_uri`.'),
    logo: logo.optional().describe('Where the document has a `logo_uri` that may be followed.'),
    redirect_match: z
      .object({
        matched: z.boolean(),
        entry: z.string().optional(),
        rule: z
          .string()
          .optional()
          .describe('`exact` or `loopback_port`; of a mismatch the number of the rule, as in `RED-03`.'),
        reason: z.string().optional().describe('Why not, as in docs/failures.md.'),
        nearest: z.string().optional().describe('The listed redirect URI that agrees furthest.'),
      })
      .optional(),
  })
  .describe('The document may be used.')
export type ReadyBody = z.infer<typeof ready>

export const pending = z
  .object({ status: z.literal('pending'), ticket: z.string() })
  .describe('The fetch goes on; ask for the ticket.')

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string(),
    class: z.string(),
    retryable: z.boolean(),
    detail: z.string().optional(),
    advice: z.string().optional(),
    oauth_error: z.string().optional(),
    ticket: z.string().optional(),
  })
  .describe('RFC 9457 problem.')

const answeredProblem = {
  description: 'RFC 9457 problem.',
  content: { 'application/problem+json': { schema: problem } },
}

/** The responses every route may give beside its own. */
export const problems = { '4xx': answeredProblem, '5xx': answeredProblem } as const

export const ticketParameters = z.object({ id: z.uuid() })
export const ticketQuery = z.object({
  wait_ms: waitMs.default(0),
  redirect_uri: z.string().max(8192).optional(),
})

/** A place in the feed of a tenant. */
export const cursor = z.string().regex(/^\d{1,15}$/, 'must be a cursor of the feed')

export const eventsHeaders = z.object({
  'last-event-id': cursor
    .optional()
    .describe('What an EventSource sends when it connects again; counts instead of `after`.'),
})

export const eventsQuery = z.object({
  after: cursor.default('0').describe('The cursor of the last event you are done with, 0 to begin.'),
  wait_ms: waitMs.default(0).describe('How long to wait for an event when there is none.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

export const events = z.object({
  events: z.array(cloudEvent.extend({ cursor: cursor.describe('Where to go on after this event.') })),
  next: cursor.describe('Of the last event; what was asked for where there is none.'),
})

export const advertiseAnswer = z
  .object({
    advertise: z
      .boolean()
      .describe('Whether `client_id_metadata_document_supported` may stand in the metadata of a server.'),
    since: instant.describe('When that was said first.'),
    why: z
      .enum([...ADVERTISE_FINDINGS, 'unjudged'])
      .optional()
      .describe('Why not; `unjudged`: nobody has judged yet, or not for long.'),
  })
  .describe('A change is told as `service.advertise_changed` in the feed; `unjudged` is not.')
