import { z } from 'zod'

const place = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const instant = z.iso.datetime({ offset: true })

const auditFilters = z.strictObject({
  client_id: z.string().max(8192).optional().describe('Only what is about this client.'),
  subject: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Only what is about this subject: in the form it was reported in, or its pseudonym.'),
  from: instant.optional().describe('Only what happened at this instant or later.'),
  to: instant.optional().describe('Only what happened before this instant.'),
  after: place.default(0).describe('A place in the chain: only what comes after it.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
export const auditQuery = auditFilters.refine(
  ({ from, to }) => from === undefined || to === undefined || Date.parse(from) < Date.parse(to),
  { path: ['to'], error: 'must be later than `from`' },
)

const entry = z.record(z.string(), z.unknown()).describe('As docs/audit-format.md has it.')
const hash = z.string().describe('sha-256, hex.')

export const auditAnswer = z
  .object({
    entries: z.array(z.object({ entry, hash, previous_hash: hash })),
    next: z.number().describe('Where to go on: the place of the last entry, or what was asked for.'),
  })
  .describe('Entries in the order of their places.')

export const auditHead = z
  .object({
    tenant: z.string(),
    seq: z.number().describe('Of the newest entry; 0: there is none.'),
    hash,
    anchor: z
      .object({ seq: z.number(), hash, count: z.number() })
      .optional()
      .describe('Where the chain begins, after a retention cut.'),
  })
  .describe('To be kept elsewhere: what ends before it, or goes another way, is not the chain it was.')

export const auditExportQuery = z.strictObject({
  after: place.optional().describe('To go on after the last place that has come: without the header.'),
})
