import type { Socket } from 'node:net'
import type { RawRequest } from './serve-http.ts'

/** A connection as a hostile origin saw it; `closedAtMs` is missing while it is open. Times as of `performance.now()`. */
export type SeenConnection = {
  readonly behaviour: string
  readonly openedAtMs: number
  readonly closedAtMs?: number
  /** On the wire, TLS and all. */
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Of the past a log remembers this much, so that a long soak does not look like a leak. */
const REMEMBERED = 1000

export type Observations = ReturnType<typeof createObservations>

/** What a hostile origin notices of its clients. */
export function createObservations() {
  const requests = new Map<string, Buffer[]>()
  let resumedSessions = 0
  return {
    connections: createConnectionLog(),
    request: (behaviour: string, { bytes }: RawRequest) => {
      const list = requests.get(behaviour) ?? []
      requests.set(behaviour, list)
      remember(list, bytes)
    },
    requestsOf: (behaviour: string): readonly Buffer[] => requests.get(behaviour) ?? [],
    resumption: () => {
      resumedSessions += 1
    },
    resumedSessions: () => resumedSessions,
  }
}

/** The connections that are open, and the last ones that are closed. */
function createConnectionLog() {
  const open = new Map<Socket, { behaviour: string; readonly openedAtMs: number }>()
  const closed: SeenConnection[] = []
  let accepted = 0
  const waiting = new Set<() => void>()

  const close = (socket: Socket) => {
    const entry = open.get(socket)
    open.delete(socket)
    if (entry !== undefined) remember(closed, { ...seen(socket, entry), closedAtMs: performance.now() })
    for (const look of waiting) look()
  }
  const isDrained = (behaviour?: string): boolean =>
    behaviour === undefined
      ? open.size === 0
      : ![...open.values()].some((entry) => entry.behaviour === behaviour)

  return {
    add: (socket: Socket, behaviour: string) => {
      accepted += 1
      open.set(socket, { behaviour, openedAtMs: performance.now() })
      socket.once('close', () => close(socket))
    },
    /** Which behaviour it turned out to be, where a request decides. */
    rename: (socket: Socket, behaviour: string) => {
      const entry = open.get(socket)
      if (entry !== undefined) entry.behaviour = behaviour
    },
    all: () => [...closed, ...[...open].map(([socket, entry]) => seen(socket, entry))],
    accepted: () => accepted,
    openCount: () => open.size,
    /** Resolves when none is open, or none of that behaviour. */
    drained: (behaviour?: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!isDrained(behaviour)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    destroyAll: () => {
      for (const socket of open.keys()) socket.destroy()
    },
  }
}

/** Appends to a list that forgets its oldest entries. */
function remember<T>(list: T[], entry: T): void {
  list.push(entry)
  if (list.length > REMEMBERED) list.shift()
}

function seen(
  socket: Socket,
  entry: { readonly behaviour: string; readonly openedAtMs: number },
): SeenConnection {
  return { ...entry, bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten }
}
