import { FAILURES, LIFE_STATES, reputationResult } from '@cimd/core'
import { BINDING_LEASE_SECONDS, BINDING_LEASE_SECONDS_MAX, isHistoryCursor } from '@cimd/store'
import { z } from 'zod'
import { change } from './changes-body.ts'
import { ownership } from './owner-schemas.ts'

const instant = z.iso.datetime()
const clientId = z.string().min(1).max(8192)
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha-256 in hex')
const kind = z.enum(Object.keys(BINDING_LEASE_SECONDS) as (keyof typeof BINDING_LEASE_SECONDS)[])

/** A lease that would end before the code it stands for is of no use. */
const LEASE_SECONDS_MIN = 60

export const reportRequest = z.strictObject({
  client_id: clientId,
  digest: digest.describe('The `digest` of the answer it is built on.'),
  kind: kind.describe('Users count by what is reported of `consent` and `token`.'),
  subject: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'Whose it is, in any form stable for them, already hashed if you like. Kept as a pseudonym alone.',
    ),
  redirect_uri: z.string().max(8192).optional().describe('Where the code was sent.'),
  auth_method: z.string().max(100).optional().describe('How the client authenticated.'),
  scope: z.string().max(4096).optional().describe('What was granted.'),
  grant_type: z.string().max(200).optional().describe('By which the token was asked for.'),
  lease_seconds: z
    .number()
    .int()
    .min(LEASE_SECONDS_MIN)
    .max(BINDING_LEASE_SECONDS_MAX)
    .optional()
    .describe(
      'How long the version is to be kept: 400 days for consent, 90 for a token, 10 minutes for a code.',
    ),
})
export const reported = z.object({ bound_until: instant }).describe('The version is kept until then.')

export const changesQuery = z.strictObject({
  client_id: clientId,
  since: digest.describe('The `digest` of an earlier answer.'),
})
export const changesAnswer = z
  .object({
    client_id: z.string(),
    from_digest: digest,
    to_digest: digest.describe('Of what a resolve would answer now.'),
    classes: z.array(change.shape.class),
    changes: z.array(change),
    freshness: z
      .object({
        state: z.enum(['fresh', 'stale', 'unusable']),
        since: instant.optional(),
        until: instant.optional(),
        why: z.string().optional(),
      })
      .describe('Whether it may be used at all: a withdrawn client has changes too.'),
  })
  .describe('What changed for this tenant since that answer; nothing where both digests are the same.')

export const clientQuery = z.strictObject({
  client_id: clientId,
  before: z.string().refine(isHistoryCursor, 'must be `next` of an answer').optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('Lines of history.'),
})

const reputation = reputationResult
  .extend({
    subjects: z.number().int().describe('Distinct users reported of the client.'),
    domain_subjects: z.number().int().describe('And of all clients of its registrable domain.'),
    domain_clients: z.number().int().describe('Clients of that domain with users.'),
    first_seen: instant.optional().describe('Your first report of a user.'),
    last_seen: instant.optional().describe('Your last one, to the minute.'),
    reviewed_at: instant.optional(),
    hosting: z
      .enum(['own', 'shared_suffix', 'shared_host', 'cimd_service'])
      .describe('Who else may publish there.'),
  })
  .describe('How your own users have used it, and what that comes to.')
export type ReputationBody = z.infer<typeof reputation>

const finding = z.object({ code: z.enum(Object.keys(FAILURES)), since: instant, summary: z.string() })
const attempt = z.object({
  kind: z.literal('attempt'),
  time: instant,
  outcome: z.enum(['fetched', 'not_modified', 'failed']),
  digest: digest.optional().describe('Of the version it found.'),
  code: z.string().optional(),
  detail: z.string().optional(),
})
const event = z.object({
  kind: z.literal('event'),
  time: instant,
  type: z.string(),
  client_seq: z.number().describe('Counted from your own first demand, as in the feed of events.'),
  data: z.unknown(),
})

export const clientAnswer = z
  .object({
    client_id: z.string(),
    state: z.enum(LIFE_STATES),
    now: instant.describe('The clock that all other instants are of.'),
    freshness: changesAnswer.shape.freshness,
    digest: digest.optional().describe('Of the current version.'),
    approved_digest: digest.optional(),
    validated_at: instant.optional(),
    fresh_until: instant.optional(),
    revalidate_until: instant.optional().describe('Until then a stale version is answered at once.'),
    usable_until: instant.optional().describe('If nothing is heard of it until then.'),
    stale_forbidden: z.boolean().describe('The origin forbids any stale use.'),
    stale_if_error_seconds: z.number().optional(),
    failure: finding.optional().describe('The newest failure, and since when its attempts fail.'),
    withdrawing: finding.optional().describe("The publisher's word that only a valid answer takes back."),
    held_by_brake: z.boolean().describe('An operator doubts what was found: no withdrawal takes effect.'),
    retry_at: instant.optional(),
    quarantine: z
      .object({ since: instant, until: instant })
      .optional()
      .describe('It killed the process that worked it alone, and is not fetched before the end of it.'),
    ownership: ownership.optional(),
    attempted_at: instant.optional(),
    next_look_at: instant.optional().describe('Absent: not before somebody asks.'),
    fetch_pending: z.boolean(),
    dormant_since: instant.optional(),
    first_demand_at: instant.describe('What was before is not told.'),
    last_resolved_at: instant,
    leased_until: instant.describe('Until then it is looked after for your sake.'),
    reputation,
    versions: z.array(
      z.object({
        digest,
        first_seen_at: instant.describe('Not before your own first demand.'),
        last_confirmed_at: instant,
        current: z.boolean(),
        approved: z.boolean(),
        bound: z.array(z.object({ kind, until: instant })).describe('What you reported as built on it.'),
      }),
    ),
    history: z.array(z.discriminatedUnion('kind', [attempt, event])).describe('Newest first.'),
    next: z.string().optional().describe('Older history: `before` of the next request. Absent at its end.'),
  })
  .describe('Everything a tenant may know of a client.')
export type ClientBody = z.infer<typeof clientAnswer>
