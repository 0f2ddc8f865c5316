import { ADVERTISE_FINDINGS, cloudEvent, consentDisplayResult, PURPOSES, reputationResult } from '@cimd/core'
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

const uiLocales = z
  .string()
  .max(1000)
  .optional()
  .describe('Languages of the user, as in OpenID Connect; counts instead of `Accept-Language`.')

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
  ui_locales: uiLocales,
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
      .describe('The metadata document as published, or as far as it is approved and permitted.'),
    digest: z
      .string()
      .describe(
        'sha-256 of its bytes, of its canonical JSON where something is held or removed: bind consent and codes to it.',
      ),
    effective: z
      .object({
        approved_digest: z.string().optional().describe('Where a version is approved.'),
        baseline_digest: z
          .string()
          .optional()
          .describe('Where nothing is approved and changes are held: of the version they are compared with.'),
        current_digest: z.string().describe('Of the version as published.'),
        held: z.array(change).describe('What waits for approval.'),
        removed: z.array(change).optional().describe('What the policy does not permit.'),
        policy_version: z.number().optional().describe('Of the policy that does not.'),
      })
      .optional()
      .describe(
        'Where a version is approved, changes are held or the policy permits less: the document is what all allow.',
      ),
    policy: z
      .object({
        version: z.number().describe('0: the tenant has written none.'),
        digest: z.string(),
        decision: z
          .enum(['admitted', 'held', 'refused'])
          .describe('Other than `admitted` only for `revoke`.'),
      })
      .describe('What the policy of the tenant says.'),
    reconsent: z
      .array(change)
      .optional()
      .describe('What the document gained since consent was given: ask for it again.'),
    scope_limit: z
      .array(z.string())
      .optional()
      .describe('The document names no scope: the policy permits at most these.'),
    registration: z
      .enum(['frozen', 'manual', 'periodic'])
      .optional()
      .describe('Where the client was registered before.'),
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
    reputation: reputationResult
      .optional()
      .describe('How far the client is trusted, why, and how tightly to limit its tokens. Not for `revoke`.'),
    display: consentDisplayResult
      .optional()
      .describe('What to show before consent, for `authorize`, `par` and tickets: docs/consent-display.md.'),
  })
  .describe('The document may be used.')
export type ReadyBody = z.infer<typeof ready>

export const pending = z
  .object({ status: z.literal('pending'), ticket: z.string() })
  .describe('The fetch goes on; ask for the ticket.')

/** Why a policy does not simply admit a client. */
export const policyReason = z.object({
  code: z.string(),
  effect: z.enum(['hold', 'refuse']),
  rule: z.string().describe('Number of the rule, as in docs/requirements.md.'),
  at: z.string().describe('The place in the policy (RFC 6901); empty: a person decided.'),
  member: z.string().optional(),
  pointer: z.string().optional().describe('The place in the document, where it is deeper than the member.'),
  detail: z.string(),
})

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string().describe('What it is, and stays: docs/failures.md has every code with its status.'),
    class: z.string().describe('`request`, or who is taken to have spoken: docs/failures.md.'),
    retryable: z.boolean().describe('Whether asking again can help; `Retry-After` says when.'),
    detail: z.string().optional().describe('What it is in this case.'),
    advice: z.string().optional().describe('What to do about it.'),
    oauth_error: z
      .string()
      .optional()
      .describe('What the authorization server may answer its own client with.'),
    ticket: z.string().optional().describe('The demand stands: GET /v1/tickets/{id} waits for it.'),
    reasons: z
      .array(policyReason)
      .optional()
      .describe('Why the policy does not admit the client: docs/failures.md has the codes.'),
    errors: z
      .array(z.object({ pointer: z.string(), detail: z.string(), advice: z.string() }))
      .optional()
      .describe('What is wrong with a policy, all of it; `pointer` is into the policy (RFC 6901).'),
    quota: z
      .object({ name: z.string(), limit: z.number(), window_seconds: z.number() })
      .optional()
      .describe('The quota that is used up.'),
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
  ui_locales: uiLocales,
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
