import { z } from 'zod'
import { TIERS } from '../reputation/tiers.ts'
import { LINK_LENGTH_MAX, type LinkMember } from './links.ts'
import { messageParams } from './message.ts'
import { REDIRECT_TARGETS_MAX } from './redirects.ts'
import { SHORT_HOST_LENGTH_MAX } from './short-host.ts'
import { DISPLAY_WARNINGS, type DisplayWarningCode, SEVERITIES } from './warnings.ts'

/** A host name and a port. */
const HOST_LENGTH_MAX = 259

const host = z.string().max(HOST_LENGTH_MAX)

const redirectTarget = z
  .object({
    kind: z.enum(['https', 'loopback', 'private_use']),
    host: host.nullable().describe('Null where an app has claimed the scheme.'),
    scheme: z.string(),
  })
  .readonly()

const link = z
  .object({
    uri: z.string().max(LINK_LENGTH_MAX),
    host,
    same_domain: z.boolean().describe('It is on the registrable domain of the client_id.'),
    allowed: z.boolean().describe('It may be followed from the consent page at this tier.'),
  })
  .readonly()

const displayWarning = z
  .object({
    code: z
      .enum(Object.keys(DISPLAY_WARNINGS) as [DisplayWarningCode, ...DisplayWarningCode[]])
      .describe('Also the key of a translation.'),
    severity: z.enum(SEVERITIES),
    text: z.string().describe('In English, with long hosts cut from the left.'),
    params: messageParams.describe('What the text has places for, whole.'),
  })
  .readonly()
export type DisplayWarning = z.infer<typeof displayWarning>

const linkMembers: Record<LinkMember, z.ZodType<z.infer<typeof link> | null>> = {
  client_uri: link.nullable(),
  policy_uri: link.nullable(),
  tos_uri: link.nullable(),
}

/**
 * What an authorization server shows before it asks for consent (UI-01 to UI-09). All strings are plain text:
 * whoever puts them into HTML escapes them, and isolates the name (`<bdi>`).
 */
export const consentDisplayResult = z.object({
  host: host.describe('Of the client_id, with A-labels: always to be shown, before the name.'),
  host_short: z
    .string()
    .max(SHORT_HOST_LENGTH_MAX)
    .describe('The same, cut from the left with an ellipsis if it is long.'),
  host_unicode: host
    .nullable()
    .describe('To be shown beside `host`; null where it has no other form that is safe.'),
  name: z
    .object({ text: z.string(), language: z.string().nullable() })
    .readonly()
    .nullable()
    .describe('As the client calls itself; see `show`.'),
  logo_url: z.string().nullable().describe('Of our copy (UI-04); see `show`.'),
  redirect_host: redirectTarget
    .nullable()
    .describe('Where this request leads, if it named a redirect URI: to be shown (UI-03).'),
  redirect_hosts: z.array(redirectTarget).max(REDIRECT_TARGETS_MAX).readonly(),
  redirect_hosts_more: z.number().int().nonnegative().describe('How many are left out of `redirect_hosts`.'),
  links: z.object(linkMembers).readonly(),
  tier: z.enum(TIERS),
  show: z
    .object({ name: z.boolean(), logo: z.boolean(), links: z.boolean() })
    .readonly()
    .describe('What may be shown at this tier.'),
  warnings: z.array(displayWarning).readonly().describe('The gravest first.'),
})
export type ConsentDisplay = Readonly<z.infer<typeof consentDisplayResult>>
