import { z } from 'zod'

const SUBJECT_LENGTH_MAX = 256

export const eraseRequest = z.strictObject({
  subject: z.string().min(1).max(SUBJECT_LENGTH_MAX).describe('In the form it was reported in.'),
})
export const erased = z
  .object({ erased: z.boolean().describe('False: nothing was known of it.') })
  .describe('Nothing leads from the subject to its pseudonym any more. Counts stay.')

export const reviewedRequest = z
  .strictObject({
    client_id: z.string().min(1).max(8192).optional(),
    domain: z
      .string()
      .max(253)
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a registrable domain, in lower case and with A-labels')
      .optional()
      .describe('A registrable domain, for all its clients.'),
    reviewed: z.boolean().default(true).describe('False takes the mark back.'),
  })
  .refine(({ client_id, domain }) => (client_id === undefined) !== (domain === undefined), {
    error: 'must have either client_id or domain',
  })
export type ReviewedRequest = z.infer<typeof reviewedRequest>
export const reviewed = z
  .object({ reviewed_at: z.iso.datetime().optional() })
  .describe('Clients so marked have the tier `reviewed`, until their domain seems to change hands.')
