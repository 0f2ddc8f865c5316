import { z } from 'zod'
import { CHANGE_CLASSES } from './changes/member-change.ts'
import { ADVERTISE_FINDINGS } from './life/advertise.ts'
import { DISCONTINUITY_REASONS, OWNERSHIP_SIGNALS } from './ownership/continuity.ts'
import { DISABLED_CODES, type DisabledCode } from './webhooks/delivery.ts'

const failureCode = z.string().regex(/^[a-z0-9_]+$/)
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const changeClass = z.enum(CHANGE_CLASSES)
const change = z.object({
  member: z.string(),
  class: changeClass,
  // Absent in JSON where the member was or is absent.
  before: z.unknown().optional(),
  after: z.unknown().optional(),
})

const decision = z.enum(['admitted', 'held', 'refused'])

/** The data of each event by its type. Consumers ignore members they do not know. */
export const EVENT_DATA = {
  'client.discovered': z
    .object({ digest })
    .describe(
      'A document of this client was valid for the first time. Whoever comes to use a client that has one already is not told.',
    ),
  'client.metadata_changed': z
    .object({
      from_digest: digest.describe('Of the version announced before.'),
      to_digest: digest.describe('Of the version that is current now.'),
      classes: z.array(changeClass).describe('Of the changes, each once.'),
      changes: z
        .array(change)
        .describe(
          'A member that lost and gained items is there twice. Of a set `before` has only the items that went, `after` those that came.',
        ),
    })
    .describe('The document changed by more than cosmetics (CHG-07).'),
  'client.keys_changed': z
    .object({
      source: z.enum(['jwks', 'jwks_uri']),
      from_digest: digest.optional(),
      to_digest: digest.describe('Of the set of keys that may be used now.'),
      added: z.array(z.string()).describe('Thumbprints of RFC 7638.'),
      removed: z.array(z.string()).describe('Thumbprints; what they sign must not be accepted any more.'),
    })
    .describe('The usable keys changed, in the document or behind its jwks_uri (CHG-03, CHG-08).'),
  'client.logo_changed': z
    .object({
      from_digest: digest.optional().describe('Of the image as it was served.'),
      to_digest: digest.optional().describe('Of the image as it is served; absent: none is.'),
    })
    .describe('Another image is shown for the client, or none any more (UI-04, UI-06).'),
  'client.dormant': z
    .object({ digest, since: z.iso.datetime() })
    .describe('Nobody has used the client for so long that it is not looked after until somebody does.'),
  'client.withdrawn': z
    .object({ digest, code: failureCode, since: z.iso.datetime().describe('When it was first heard.') })
    .describe(
      'The publisher took the document back or made it invalid, and did not correct that within the grace (CAC-14).',
    ),
  'client.stale': z
    .object({
      digest,
      code: failureCode,
      since: z.iso.datetime().describe('When it was first found.'),
      until: z.iso
        .datetime()
        .optional()
        .describe(
          'When the use of the version ends, unless an attempt changes that; past where it has. Your own limits may end it sooner.',
        ),
    })
    .describe('The document cannot be confirmed and is no longer fresh (CAC-13).'),
  'client.quarantined': z
    .object({
      resource: z
        .enum(['jwks', 'logo'])
        .optional()
        .describe(
          'What of the client, if not its document: then the rest of it goes on, and its end has no event.',
        ),
      digest: digest.optional().describe('Of what was valid last; absent: nothing ever was.'),
      code: failureCode,
      since: z.iso.datetime(),
      retry_at: z.iso.datetime().describe('Not fetched before, unless an operator releases it.'),
      until: z.iso
        .datetime()
        .optional()
        .describe('When the use of the version ends, as in `client.stale`; past where it has.'),
    })
    .describe(
      'What is fetched of the client kills the process that works it, so it is left alone; what was valid last is used as through an outage (CAC-13).',
    ),
  'client.recovered': z
    .object({ digest, code: failureCode.describe('What it has recovered from.') })
    .describe('A stale, quarantined or withdrawn client, as announced, is valid again.'),
  'decision.changed': z
    .object({
      client_id: z.string(),
      digest: digest.describe('Of what you get, or would get.'),
      from: decision.describe('What was decided before.'),
      to: decision.describe('What is decided now.'),
      policy_version: z.number().int().min(0).describe('Of your policy; 0: you have written none.'),
      rules: z.array(z.string()).describe('Numbers of the rules that decided, each once, as in `POL-04`.'),
      codes: z.array(z.string()).describe('Codes of the reasons, each once: docs/failures.md has them.'),
    })
    .describe(
      'Your trust policy, or a person of yours, judges a client otherwise (POL-05): after a change of the policy, an approval, a refusal, a registration, the end of one of them, the acceptance of an owner, or another document. It is told to you alone and has no place among the events about the client, so it has no `subject` and no `clientseq`.',
    ),
  'host.ownership_changed': z
    .object({
      domain: z.string().describe('The registrable domain.'),
      signals: z.array(z.enum(OWNERSHIP_SIGNALS)).describe('What is not as it had been for long.'),
      reasons: z
        .array(z.enum(DISCONTINUITY_REASONS))
        .describe('Why that is taken for other hands: at least one.'),
      era: z
        .number()
        .int()
        .min(2)
        .describe(
          'Counts the owners that the domain is taken to have had; trust in earlier ones is not carried over.',
        ),
      last_seen_at: z.iso.datetime().describe('When a valid document of the domain was last seen before.'),
      seen_at: z.iso.datetime(),
    })
    .describe(
      'The domain of the client may have changed hands (CHG-05): ask for consent again. Told of each client of the domain that you use.',
    ),
  'subscription.disabled': z
    .object({
      subscription_id: z.uuid(),
      code: z.enum(Object.keys(DISABLED_CODES) as [DisabledCode, ...DisabledCode[]]),
      since: z.iso
        .datetime()
        .describe('Since when its endpoint took nothing, or was asked for its challenge in vain.'),
    })
    .describe(
      'A subscription of yours is told nothing more until you enable it; what it was not told waits. It is about no client. Not told where you disabled it yourself (`by_request`).',
    ),
  'service.advertise_changed': z
    .object({
      advertise: z
        .boolean()
        .describe('Whether an authorization server may advertise `client_id_metadata_document_supported`.'),
      why: z
        .enum(ADVERTISE_FINDINGS)
        .optional()
        .describe(
          'Why not: no fetcher gives a sign of life; origins do not answer, whichever they are; what users wait for is not taken up. Absent where it may.',
        ),
    })
    .describe(
      'The way to publishers works again, or no longer (SRV-04). It is about no client, so it has no `subject` and no `clientseq`, and is told to every tenant.',
    ),
} as const

export type EventType = keyof typeof EVENT_DATA

/** An event of any type. */
export type RegistrarEvent = EventOf<EventType>
/** An event about one client. */
export type ClientEvent = EventOf<Extract<EventType, `client.${string}`>>

type EventOf<Types extends EventType> = {
  [Type in Types]: { readonly type: Type; readonly data: z.infer<(typeof EVENT_DATA)[Type]> }
}[Types]
