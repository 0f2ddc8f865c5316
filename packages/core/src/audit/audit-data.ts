import { z } from 'zod'
import { PURPOSES } from '../life/resolution.ts'
import { DISCONTINUITY_REASONS, OWNERSHIP_SIGNALS } from '../ownership/continuity.ts'

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const code = z.string().regex(/^[a-z0-9_]+$/)
const instant = z.iso.datetime({ precision: 3 })
const count = z.int().min(0)
const seq = z.int().min(1)
const keyPrefix = z.string().min(1).max(64)

/** By which policy, and which version of it. */
const policy = z.object({ version: count, digest })

/** What the policy said and which of its rules made it say so (POL-05). */
const verdict = z.object({
  decision: z.enum(['admitted', 'held', 'refused']),
  rules: z.array(z.object({ id: z.string(), reason: z.string().optional() })),
})

/** What of a document a reviewer asks for first, as it was published or as it was handed out. */
const documentFields = {
  redirect_uris: z.array(z.string()).optional(),
  display: z
    .object({
      client_name: z.string().optional(),
      client_uri: z.string().optional(),
      logo_uri: z.string().optional(),
      logo_digest: digest.optional(),
      policy_uri: z.string().optional(),
      tos_uri: z.string().optional(),
    })
    .optional(),
  token_endpoint_auth_method: z.string().optional(),
}

const cache = z.object({
  status: z.enum(['fresh', 'stale', 'unusable', 'fetched', 'joined']),
  fresh_until: instant.optional(),
  usable_until: instant.optional(),
  why: code.optional(),
})

const resolveDecided = z.object({
  purpose: z.enum(PURPOSES),
  answer: z.enum(['ready', 'pending', 'refused']),
  code: code.optional(),
  digest: digest.optional(),
  effective_digest: digest.optional(),
  cache,
  redirect_uri: z.string().optional(),
  redirect_match: z.string().optional(),
  warnings: z.array(code).optional(),
  tier: z.string().optional(),
  policy: policy.optional(),
  verdict: verdict.optional(),
  ...documentFields,
})

const fetchRecorded = z.object({
  resource: z.enum(['document', 'jwks', 'logo']),
  outcome: z.enum(['fetched', 'not_modified', 'failed']),
  code: code.optional(),
  status: count.optional(),
  content_type: z.string().optional(),
  // Never of what was refused: what a name resolves to inside our network is the operator's to know.
  address: z.union([z.ipv4(), z.ipv6()]).optional(),
  address_class: z.enum(['public', 'nat64', 'loopback', 'refused', 'not_dialled']),
  certificate_sha256: digest.optional(),
  cache: z.object({ conditional: z.boolean(), fresh_until: instant.optional() }),
  digest: digest.optional(),
  previous_digest: digest.optional(),
  rules_version: count.optional(),
  ...documentFields,
})

const approval = z.object({ digest, reason: z.string().optional(), expires_at: instant.optional() })
// A refusal is of the client, whatever it publishes: the version is the one that was looked at, if one was named.
const refusal = z.object({ digest: digest.optional(), reason: z.string().optional() })
// Of a client that the entry names, or of all clients of a domain.
const reviewed = z.object({ domain: z.string().optional() })
const report = z.object({ digest, redirect_uri: z.string().optional(), auth_method: z.string().optional() })
const key = z.object({
  key_prefix: keyPrefix,
  scopes: z.array(z.string()).optional(),
  expires_at: instant.optional(),
})

/**
 * The data of an audit entry by its kind: all that is asked when somebody wants to know, a year later, why a client was trusted.
 * None holds a subject, a token or a secret (ARC-10). Readers ignore members that they do not know.
 */
export const AUDIT_DATA = {
  'resolve.decided': resolveDecided,
  'fetch.recorded': fetchRecorded,
  'policy.put': policy.extend({ mode: z.string().optional(), report_only: z.boolean().optional() }),
  'policy.judged': z.object({
    stage: z.enum(['admission', 'document']),
    digest: digest.optional(),
    policy,
    verdict,
    report_only: z.boolean().optional(),
  }),
  'approval.given': approval,
  'approval.refused': refusal,
  'approval.ended': refusal.describe('What a person decided was taken back.'),
  'reviewed.marked': reviewed,
  'reviewed.cleared': reviewed,
  'registration.put': z.object({ mode: z.string() }),
  'registration.ended': z.object({}),
  'report.consent': report.extend({ scope: z.string().optional() }),
  'report.code': report.extend({ scope: z.string().optional() }),
  'report.token': report.extend({ scope: z.string().optional(), grant_type: z.string().optional() }),
  'ownership.judged': z.object({
    domain: z.string(),
    verdict: z.enum(['continuous', 'changed', 'discontinuous']),
    signals: z.array(z.enum(OWNERSHIP_SIGNALS)),
    reasons: z.array(z.enum(DISCONTINUITY_REASONS)),
    era: seq,
  }),
  'ownership.accepted': z.object({ domain: z.string(), era: seq, reason: z.string().optional() }),
  'key.created': key,
  'key.rotated': key.extend({ replaced_prefix: keyPrefix, replaced_until: instant.optional() }),
  'key.revoked': key,
  'tenant.created': z.object({ name: z.string() }),
  'tenant.changed': z.object({ settings: z.array(z.string()).describe('The names of what was set.') }),
  'subject.erased': z.object({ reason: z.string().optional() }),
  'retention.cut': z
    .object({ anchor_seq: seq, anchor_hash: digest, count: seq })
    .describe('The entry with which a cut begins to be true: all up to the anchor may be gone.'),
} as const

export type AuditKind = keyof typeof AUDIT_DATA

/** Whether this release knows a kind; entries of others are verified all the same. */
export function isAuditKind(kind: string): kind is AuditKind {
  return Object.hasOwn(AUDIT_DATA, kind)
}
