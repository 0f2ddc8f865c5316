import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import pg from 'pg'
import { connectionConfig, type Db, type StoreOptions } from './db.ts'

/**
 * `cimd_done`: an attempt on a client ended. `cimd_outbox`: events wait for the relay. `cimd_feed`: a tenant has news.
 * `cimd_places`: a place with the fetchers became free that somebody waits for in line.
 */
export type Channel = 'cimd_done' | 'cimd_outbox' | 'cimd_feed' | 'cimd_places'

const RECONNECT_MS = [100, 250, 500, 1000, 2000]
const HEARTBEAT_MS = 5000

/** What `cimd_done` carries for a client: a digest, because identifiers are long and not everybody's business. */
export function doneKey(clientId: string): string {
  return createHash('sha256').update(clientId).digest('hex').slice(0, 32)
}

/**
 * Notifies after a commit, in one round trip. Never inside the transaction that writes: there NOTIFY takes a
 * lock that puts all commits in single file.
 */
export async function notify(
  db: Db,
  notifications: readonly { readonly channel: Channel; readonly payload: string }[],
): Promise<void> {
  if (notifications.length === 0) return
  const channels = notifications.map(({ channel }) => channel)
  const payloads = notifications.map(({ payload }) => payload)
  await sql`
    select pg_notify(channel, payload)
    from unnest(${channels}::text[], ${payloads}::text[]) as n (channel, payload)`.execute(db)
}

export type Listener = { readonly close: () => Promise<void> }

/**
 * Listens on a connection of its own for as long as it is not closed, reconnecting when it drops.
 * `onConnected` is called each time it listens again: whatever was notified in between is lost, so whoever
 * waits must read once more. Resolves once it listens for the first time.
 */
export async function listen(
  options: StoreOptions & {
    readonly channels: readonly Channel[]
    readonly onNotification: (channel: Channel, payload: string) => void
    readonly onConnected: () => void
    /** How often the connection is tried, and how long an answer may take. */
    readonly heartbeatMs?: number
  },
): Promise<Listener> {
  const { heartbeatMs = HEARTBEAT_MS } = options
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let failures = 0

  const connect = async (): Promise<void> => {
    const connecting = new pg.Client({ ...connectionConfig(options, 'listen'), query_timeout: heartbeatMs })
    client = connecting
    connecting.on('notification', ({ channel, payload }) =>
      options.onNotification(channel as Channel, payload ?? ''),
    )
    connecting.on('error', options.onError)
    try {
      await connecting.connect()
      for (const channel of options.channels) await connecting.query(`listen ${channel}`)
    } catch (error) {
      await connecting.end()
      throw error
    }
    let heartbeat: NodeJS.Timeout | undefined
    // Whoever only listens sends nothing, and would never learn that the other side has vanished.
    const beat = (): void => {
      heartbeat = setTimeout(() => connecting.query('select 1').then(beat, giveUp), heartbeatMs)
    }
    const giveUp = (error: Error): Promise<void> => {
      if (!closed) options.onError(error)
      return connecting.end()
    }
    // Only now: a connection that breaks off before it listens must not be replaced twice.
    connecting.on('end', () => {
      clearTimeout(heartbeat)
      reconnect()
    })
    beat()
    failures = 0
    options.onConnected()
  }
  const reconnect = (): void => {
    if (closed) return
    const delayMs = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)]
    failures += 1
    timer = setTimeout(() => {
      connect().catch((error: Error) => {
        options.onError(error)
        reconnect()
      })
    }, delayMs)
  }

  await connect()
  return {
    close: async () => {
      closed = true
      clearTimeout(timer)
      await client?.end()
    },
  }
}
