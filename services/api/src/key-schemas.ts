import { API_KEY_SCOPES, KEY_OVERLAP_SECONDS } from '@cimd/store'
import { z } from 'zod'

const instant = z.iso.datetime()
const scope = z.enum(API_KEY_SCOPES)
const key = z.string().describe('The key. It is never told again.')

/** What only an operator may let a key do. */
const OPERATOR_SCOPE = 'demand_without_subject'

const keySummary = z.object({
  prefix: z.string().describe('The 12 characters after `cimd_`, which tell keys apart.'),
  scopes: z.array(scope),
  created_at: instant,
  expires_at: instant.optional().describe('Absent: it works until it is revoked.'),
  revoked_at: instant.optional(),
  last_used_at: instant.optional().describe('To the minute. Absent: never.'),
  replaced_by: z.string().optional().describe('Prefix of the key that was made in its place.'),
})

export const keys = z.object({ keys: z.array(keySummary).describe('The newest first.') })

const expiresInDays = z
  .number()
  .int()
  .min(1)
  .max(36_500)
  .optional()
  .describe('Absent: it works until it is revoked.')

export const keyRequest = z.strictObject({
  scopes: z.array(scope).min(1).max(API_KEY_SCOPES.length),
  expires_in_days: expiresInDays,
})

export const ownKeyRequest = keyRequest.extend({
  scopes: z
    .array(scope.exclude([OPERATOR_SCOPE]))
    .min(1)
    .max(API_KEY_SCOPES.length)
    .describe(`What it may do; \`${OPERATOR_SCOPE}\` is the operator's to give.`),
})

export const madeKey = z.object({ key, ...keySummary.shape })

export const keyParameters = z.object({ prefix: z.string().regex(/^[0-9a-f]{12}$/, 'must be 12 hex digits') })

export const rotationRequest = z
  .strictObject({
    overlap_seconds: z
      .number()
      .int()
      .min(0)
      .max(KEY_OVERLAP_SECONDS.max)
      .default(KEY_OVERLAP_SECONDS.default)
      .describe('How long the key before it works as well, unless it ends before.'),
  })
  .nullish()

export const rotatedKey = z.object({
  key,
  previous_until: instant.describe('Until when the key before it works.'),
})

export const revokedKey = z.null().describe('It is revoked, at once and for good.')

const tenantName = z
  .string()
  .min(1)
  .max(200)
  .regex(
    /^[^\p{C}\p{Zl}\p{Zp}\s](?:[^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Zl}\p{Zp}\s])?$/u,
    'must be visible characters',
  )

export const tenant = z.object({
  name: z.string(),
  profile: z.string().describe('What more than the draft it asks of a client.'),
  policy_version: z.number().describe('Of the policy in force; 0: it has none.'),
  report_policy_version: z.number().optional().describe('Of the policy that is only told of.'),
  stale_limits: z
    .record(z.string(), z.number())
    .describe('Seconds of stale use by class of failure, where it wants less than is allowed.'),
  quotas: z.unknown().describe('What it may use, where that is other than what the deployment says.'),
  keys: z.number().describe('How many of its keys work.'),
  created_at: instant,
})

export const ownTenant = tenant.extend({
  limits: z.object({
    clients: z.number().describe('How many clients it may use.'),
    subscriptions: z.number(),
    event_streams: z.number().describe('Open at one process of the api.'),
    keys: z.number(),
  }),
})

export const tenants = z.object({ tenants: z.array(tenant) })
export const tenantRequest = z.strictObject({ name: tenantName })
// Of one that the command line has made, with whatever characters the database can hold.
export const tenantParameters = z.object({
  name: z
    .string()
    .min(1)
    .max(200)
    .refine((name) => !name.includes('\0'), 'must be a name'),
})
export const tenantKeyParameters = tenantParameters.extend(keyParameters.shape)
export const removalQuery = z.strictObject({
  confirm: z
    .string()
    .describe(
      'The name of the tenant once more: everything of it is removed for good, its audit too. Export that first.',
    ),
})
export const removed = z.null().describe('It is removed, with everything that was only its own.')
