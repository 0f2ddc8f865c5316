import { type CloudEvent, EVENT_DATA, type RegistrarEvent } from '@cimd/core'

/** An event of a type that this release knows, its data as docs/events.md describes it. */
export type KnownEvent = Omit<CloudEvent, 'type' | 'data'> & RegistrarEvent

/** The event with typed data; undefined if its type is not known here, or its data is not as it should be: ignore it. */
export function knownEvent(event: CloudEvent): KnownEvent | undefined {
  if (!isKnown(event.type)) return undefined
  const data = EVENT_DATA[event.type].safeParse(event.data)
  return data.success ? ({ ...event, data: data.data } as KnownEvent) : undefined
}

function isKnown(type: string): type is keyof typeof EVENT_DATA {
  return Object.hasOwn(EVENT_DATA, type)
}
