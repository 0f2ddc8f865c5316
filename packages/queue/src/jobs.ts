import { z } from 'zod'

/** `fetch`: a user waits for the result. `refresh`: nobody waits. `deliver`: something waits to be told. */
export const QUEUE_NAMES = ['fetch', 'refresh', 'deliver'] as const

/** One of the queues. */
export type QueueName = (typeof QUEUE_NAMES)[number]

/** A queue of work on clients. */
export type ClientQueue = Exclude<QueueName, 'deliver'>

/** Version of the payload this code writes, and the newest it understands. */
export const JOB_VERSION = 1

/** What a job says: look at this client. The row in Postgres knows the rest, so a duplicate is harmless. */
export type ClientJob = {
  /** Row id of the client, decimal: a bigint does not survive JSON. */
  readonly client: string
}

/** The same of a lane of deliveries. */
export type LaneJob = {
  /** Id of the subscription. */
  readonly subscription: string
  /** Decimal; what the numbers mean is the store's to say. */
  readonly lane: string
}

/** What the jobs of each queue say. */
export type Jobs = { readonly fetch: ClientJob; readonly refresh: ClientJob; readonly deliver: LaneJob }

/** A payload as read: ours, spoilt, or written by a newer release during a rolling upgrade. */
export type ParsedJob<Job> =
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'newer'; readonly version: number }

/** JSON as written to the queue store. */
export type JobPayload<Queue extends QueueName> = { readonly v: number } & Jobs[Queue]

const versionSchema = z.object({ v: z.int().min(1) })
const presentVersion = z.object({ v: z.literal(JOB_VERSION) })

// Postgres bigint: at most 19 digits. Unknown members are ignored, so that a release may add optional ones
// without a new version.
const clientJob = z.object({
  client: z.string().regex(/^[1-9]\d{0,18}$/, 'must be a positive decimal row id'),
})
const laneJob = z.object({
  subscription: z.guid(),
  lane: z.string().regex(/^(?:-1|0|[1-9]\d{0,18})$/, 'must be the decimal number of a lane'),
})

/** For each queue, the name that BullMQ shows beside its jobs, and what these hold. */
const CONTRACTS: {
  readonly [Queue in QueueName]: { readonly name: string; readonly schema: z.ZodType<Jobs[Queue]> }
} = {
  fetch: { name: 'client', schema: clientJob },
  refresh: { name: 'client', schema: clientJob },
  deliver: { name: 'lane', schema: laneJob },
}

/** A job as BullMQ takes it. Throws on anything that its queue does not carry: a bug of the caller. */
export function jobOf<Queue extends QueueName>(
  queue: Queue,
  job: Jobs[Queue],
): { readonly name: string; readonly data: JobPayload<Queue> } {
  const { name, schema } = CONTRACTS[queue]
  return { name, data: { v: JOB_VERSION, ...schema.parse(job) } }
}

/** Reads the payload of a job of a queue; never throws. */
export function parseJob<Queue extends QueueName>(queue: Queue, data: unknown): ParsedJob<Jobs[Queue]> {
  const version = versionSchema.safeParse(data)
  if (version.success && version.data.v > JOB_VERSION) return { kind: 'newer', version: version.data.v }
  const present = presentVersion.safeParse(data)
  if (!present.success) return malformed(present.error)
  const job = CONTRACTS[queue].schema.safeParse(data)
  return job.success ? { kind: 'job', job: job.data } : malformed(job.error)
}

function malformed(error: z.ZodError): { readonly kind: 'malformed'; readonly reason: string } {
  const issues = error.issues.map(({ path, message }) => `${path.join('.') || 'payload'}: ${message}`)
  return { kind: 'malformed', reason: `malformed job: ${issues.join('; ')}` }
}
