import { z } from 'zod'

/** `fetch`: a user waits for the result. `refresh`: nobody waits. */
export const QUEUE_NAMES = ['fetch', 'refresh'] as const

/** One of the two queues. */
export type QueueName = (typeof QUEUE_NAMES)[number]

/** Version of the payload this code writes, and the newest it understands. */
export const JOB_VERSION = 1

/** Name that BullMQ shows beside each job. */
export const JOB_NAME = 'client'

/** What a job says: look at this client. The row in Postgres knows the rest, so a duplicate is harmless. */
export type ClientJob = {
  /** Row id of the client, decimal: a bigint does not survive JSON. */
  readonly client: string
}

/** A payload as read: ours, spoilt, or written by a newer release during a rolling upgrade. */
export type ParsedJob =
  | { readonly kind: 'job'; readonly job: ClientJob }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'newer'; readonly version: number }

/** JSON as written to the queue store. */
export type JobPayload = z.infer<typeof payloadSchema>

const versionSchema = z.object({ v: z.int().min(1) })

// Postgres bigint: at most 19 digits. Unknown members are ignored, so that a release may add optional ones
// without a new version.
const payloadSchema = z.object({
  v: z.literal(JOB_VERSION),
  client: z.string().regex(/^[1-9]\d{0,18}$/, 'must be a positive decimal row id'),
})

/** The payload for a client. Throws on anything that is not a row id: a bug of the caller. */
export function jobPayload(client: string): JobPayload {
  return payloadSchema.parse({ v: JOB_VERSION, client })
}

/** Reads the payload of a job; never throws. */
export function parseJob(data: unknown): ParsedJob {
  const version = versionSchema.safeParse(data)
  if (version.success && version.data.v > JOB_VERSION) return { kind: 'newer', version: version.data.v }
  const payload = payloadSchema.safeParse(data)
  if (payload.success) return { kind: 'job', job: { client: payload.data.client } }
  return { kind: 'malformed', reason: describeIssues(payload.error) }
}

function describeIssues(error: z.ZodError): string {
  const issues = error.issues.map(({ path, message }) => `${path.join('.') || 'payload'}: ${message}`)
  return `malformed job: ${issues.join('; ')}`
}
