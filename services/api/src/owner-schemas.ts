import { z } from 'zod'

/** The present owner of a domain, to be accepted (CHG-05). */
export const ownerAcceptRequest = z
  .strictObject({
    client_id: z.string().min(1).max(8192).optional(),
    domain: z.string().min(1).max(255).optional().describe('A registrable domain, or a host below it.'),
    era: z
      .int()
      .min(1)
      .optional()
      .describe('Of the `host.ownership_changed` you looked at: refused if there was another since.'),
  })
  .refine((body) => (body.client_id === undefined) !== (body.domain === undefined), {
    error: 'must have either client_id or domain',
  })

export const ownerAccepted = z
  .object({ domain: z.string(), era: z.int().describe('What you trust of the domain belongs to it now.') })
  .describe('Whoever has the domain now counts as its owner, for all clients of it that you use.')

/** Of a client, as its tenant may know it. */
export const ownership = z
  .object({
    domain: z.string(),
    era: z.int().describe('Counts the owners that the domain is taken to have had.'),
    accepted_era: z.int().describe('Less than `era`: you have not accepted the present one.'),
    changed_at: z.iso.datetime().optional().describe('When the present era began; absent in the first.'),
  })
  .describe('In whose hands the domain seems to be (CHG-05); absent while nothing of it was valid.')
