import { z } from 'zod'
import { policyReason } from './schemas.ts'

const instant = z.iso.datetime()
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha-256 in hex')
const clientId = z.string().min(1).max(8192)
const reasonText = z.string().trim().min(1).max(1000)
const pageLimit = z.coerce.number().int().min(1).max(500).default(100)

/** Not read by its schema here, so that everything that is wrong with it is told at once and with advice. */
const policy = z.record(z.string(), z.unknown()).describe('A trust policy: docs/policy.schema.json.')

export const policyRequest = z.strictObject({
  policy,
  if_version: z
    .int()
    .min(0)
    .optional()
    .describe('Only while this version is in force; 0: while none is. Otherwise `policy_outdated`.'),
})
export const candidateRequest = z.strictObject({ policy })
export const dryRunRequest = z.strictObject({
  policy,
  limit: z.int().min(0).max(1000).default(100).describe('How many of the clients that differ are listed.'),
})

const version = z.object({
  version: z.number(),
  digest: z.string().describe('sha-256 of what it says beside the defaults.'),
  created_at: instant,
  created_by: z.string().describe('The prefix of the key, or the name of the tool of an operator.'),
})

export const policyVersion = version.extend({ policy: z.record(z.string(), z.unknown()) })
export const policyAnswer = z
  .object({
    version: z.number().describe('0: none was written, and the default counts.'),
    digest: z.string(),
    policy: z.record(z.string(), z.unknown()).describe('With every default written out.'),
  })
  .describe('The policy in force.')
export const policyVersions = z.object({
  versions: z.array(version).describe('The newest first.'),
  next: z.number().optional().describe('Older ones: `before` of the next request.'),
})
export const versionParameters = z.object({ version: z.coerce.number().int().min(1) })
export const versionsQuery = z.strictObject({
  before: z.coerce.number().int().min(1).optional(),
  limit: pageLimit,
})

const difference = z.enum(['newly_refused', 'newly_held', 'newly_admitted', 'reasons_changed'])

export const reportOnlyAnswer = z.object({
  policy: policyVersion,
  clients: z.array(
    z.object({
      client_id: z.string(),
      difference,
      reasons: z.array(policyReason),
      minutes: z.number().describe('In how many minutes somebody asked for it.'),
      first_at: instant,
      last_at: instant,
    }),
  ),
})

const count = z.number()

export const dryRunAnswer = z.object({
  summary: z.object({
    clients: count.describe('Which you use, and of which a document is known.'),
    newly_refused: count,
    newly_held: count,
    newly_admitted: count,
    reasons_changed: count,
    same: count,
  }),
  unreadable: count.describe('Of which the document is against the present rules; not among the others.'),
  clients: z
    .array(
      z.object({
        client_id: z.string(),
        difference,
        added: z.array(policyReason),
        removed: z.array(policyReason),
      }),
    )
    .describe('The first that differ.'),
})

export const pageQuery = z.strictObject({
  after: z.string().max(8192).optional().describe('The client_id of the last one you have.'),
  limit: pageLimit,
})

export const reviews = z.object({
  reviews: z.array(
    z.object({
      client_id: z.string(),
      digest: z.string().optional().describe('Of the version to look at.'),
      held: z.enum(['client', 'changes']).describe('The client, or only what it gained.'),
      reasons: z.array(policyReason),
      since: instant,
    }),
  ),
  next: z.string().optional().describe('`after` of the next request.'),
})
export const approveRequest = z.strictObject({
  client_id: clientId,
  digest: digest.describe('Of the version that was looked at.'),
  reason: reasonText.optional(),
  expires_at: instant.optional().describe('Otherwise as `approvals` of the policy says.'),
})
export const refuseRequest = z.strictObject({
  client_id: clientId,
  digest: digest.describe(
    'Of the version that was looked at. The refusal is of the client, whatever it publishes.',
  ),
  reason: reasonText.describe('The authorization server is shown it.'),
})
export const clientIdQuery = z.strictObject({ client_id: clientId })
export const done = z.object({}).describe('It counts from the next request on.')

const mode = z.enum(['frozen', 'manual', 'periodic'])
export const registrationRequest = z.strictObject({
  client_id: clientId,
  mode: mode.describe(
    '`frozen`: fetched once and never again; `manual`: again by POST /v1/refresh alone; `periodic`: as others are.',
  ),
})
export const registrations = z.object({
  registrations: z.array(
    z.object({
      client_id: z.string(),
      mode,
      digest: z
        .string()
        .optional()
        .describe('Of the version that stays; absent: none yet, or the mode is `periodic`.'),
      created_at: instant,
      created_by: z.string(),
    }),
  ),
  next: z.string().optional(),
})
