import { PURPOSES } from '@cimd/core'
import { z } from 'zod'

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
  redirect_uri: z.string().max(8192).optional().describe('Adds `redirect_match` to the answer.'),
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
    document: z.record(z.string(), z.unknown()).describe('The metadata document as published.'),
    digest: z.string().describe('sha-256 of its bytes, hex: bind consent and codes to it.'),
    fetched_at: instant,
    validated_at: instant.describe('When the origin last confirmed it.'),
    freshness: z.object({
      state: z.enum(['fresh', 'stale', 'unusable']),
      since: instant.optional(),
      until: instant.optional(),
      why: z.string().optional(),
    }),
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

/** The responses every route may give beside its own. */
export const problems = { '4xx': problem, '5xx': problem } as const

export const ticketParameters = z.object({ id: z.uuid() })
export const ticketQuery = z.object({
  wait_ms: waitMs.default(0),
  redirect_uri: z.string().max(8192).optional(),
})

export const eventsQuery = z.object({
  after: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('The cursor: `next` of the last answer, 0 to begin.'),
  wait_ms: waitMs.default(0).describe('How long to wait for an event when there is none.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

export const events = z.object({
  events: z.array(
    z.object({
      position: z.number(),
      id: z.uuid(),
      type: z.string(),
      client_id: z.string(),
      client_seq: z.number(),
      time: instant,
      data: z.unknown(),
    }),
  ),
  next: z.number(),
})
