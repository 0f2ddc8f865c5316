import { z } from 'zod'

const failureCode = z.string().regex(/^[a-z0-9_]+$/)
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const changeClass = z.enum(['widening', 'narrowing', 'keys', 'display', 'cosmetic'])
const change = z.object({
  member: z.string(),
  class: changeClass,
  // Absent in JSON where the member was or is absent.
  before: z.unknown().optional(),
  after: z.unknown().optional(),
})

/** The data of each event by its type. Consumers ignore members they do not know. */
export const EVENT_DATA = {
  /** A document of this client was valid for the first time. */
  'client.discovered': z.object({ digest }),
  /** The document changed by more than cosmetics (CHG-07). */
  'client.metadata_changed': z.object({
    from_digest: digest,
    to_digest: digest,
    classes: z.array(changeClass),
    changes: z.array(change),
  }),
  /** The publisher took the document back or made it invalid, and did not correct that within the grace (CAC-14). */
  'client.withdrawn': z.object({ digest, code: failureCode, since: z.iso.datetime() }),
  /** A withdrawn client is valid again. */
  'client.recovered': z.object({ digest, code: failureCode }),
} as const

export type EventType = keyof typeof EVENT_DATA
export type ClientEvent = {
  [Type in EventType]: { readonly type: Type; readonly data: z.infer<(typeof EVENT_DATA)[Type]> }
}[EventType]
