import type { ApiAnswer, ApiClient } from './api-client.ts'

/** One event as a tenant reads it. */
export type SeenEvent = {
  readonly cursor: string
  readonly type: string
  readonly subject: string
  readonly clientseq: number
  readonly data: ApiAnswer['body']
}

/** Reads the feed from its beginning, waiting for more until `isEnough`; rejects when nothing comes any more. */
export async function eventsUntil(
  api: ApiClient,
  isEnough: (seen: readonly SeenEvent[]) => boolean,
): Promise<readonly SeenEvent[]> {
  const seen: SeenEvent[] = []
  for (let next = '0'; !isEnough(seen); ) {
    const { body } = await api.events(next, 20_000)
    if (body.events.length === 0) throw new Error(`no more events after ${seen.map(({ type }) => type)}`)
    seen.push(...body.events)
    next = body.next
  }
  return seen
}

/** The next event of a type after a position; rejects when nothing comes any more. */
export async function nextEvent(api: ApiClient, type: string, after = '0'): Promise<SeenEvent> {
  for (let next = after; ; ) {
    const { body } = await api.events(next, 20_000)
    if (body.events.length === 0) throw new Error(`no ${type} after ${after}`)
    const found = body.events.find((event: SeenEvent) => event.type === type)
    if (found !== undefined) return found
    next = body.next
  }
}

/** Every event of the feed up to one that comes after all that has happened: the discovery of a client of that name. */
export async function eventsBefore(api: ApiClient, lastClientId: string): Promise<readonly SeenEvent[]> {
  const { status, body } = await api.resolve({ client_id: lastClientId, wait_ms: 20_000 })
  if (status !== 200) throw new Error(`the last client is not discovered: ${status} ${JSON.stringify(body)}`)
  const isLast = ({ subject }: SeenEvent): boolean => subject === lastClientId
  const seen = await eventsUntil(api, (events) => events.some(isLast))
  return seen.filter((event) => !isLast(event))
}

/** The types of the events about one client, in their order. */
export function typesOf(events: readonly SeenEvent[], clientId: string): string[] {
  return events.filter((event) => event.subject === clientId).map(({ type }) => type)
}
