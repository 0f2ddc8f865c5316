import { z } from 'zod'
import { EVENT_DATA, type EventType } from './event.ts'

/** What is known of one event where it is kept. */
export type KeptEvent = {
  readonly id: string
  readonly type: string
  /** Undefined, as its place, where the event is about no client. */
  readonly clientId: string | undefined
  /** The place among the events about this client that the tenant sees, from 1. */
  readonly clientSeq: number | undefined
  readonly occurredAt: Date
  readonly data: unknown
}

/** An event as it is told: CloudEvents 1.0, JSON format. */
export type CloudEvent = z.infer<typeof cloudEvent>

/** The envelope of every event, whatever its type; consumers ignore attributes and types that they do not know. */
export const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.uuid().describe('The same however often and by whatever way the event is told.'),
  source: z.string().min(1).describe('The deployment that tells it, as its operator named it.'),
  type: z.string(),
  subject: z.string().optional().describe('The client_id, of an event about a client.'),
  time: z.iso.datetime().describe('When it happened.'),
  datacontenttype: z.literal('application/json'),
  data: z.unknown().describe('What its type says.'),
  clientseq: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'The place among the events about this client, without gaps, counted from your own first use of it; from 1 again where that use was forgotten meanwhile.',
    ),
  skipped: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      'In a webhook only: how many events of the same client right before this one were given up, and are not told unless they are asked for.',
    ),
})

/** The envelope of an event; `source` names the deployment (a URI reference). */
export function toCloudEvent({ id, type, clientId, clientSeq, occurredAt, data }: KeptEvent, source: string) {
  return {
    ...{ specversion: '1.0', id, source, type },
    ...(clientId !== undefined && { subject: clientId }),
    ...{ time: occurredAt.toISOString(), datacontenttype: 'application/json', data },
    ...(clientSeq !== undefined && { clientseq: clientSeq }),
  } as const satisfies CloudEvent
}

/** The envelope and the data of one type of event. */
export function cloudEventOf(type: EventType) {
  return cloudEvent.extend({ type: z.literal(type), data: EVENT_DATA[type] })
}
