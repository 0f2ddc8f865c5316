import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Statements as the owner of the database, straight to the server, however often that is away. */
export type Owner = {
  readonly query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>
  /** The same, once: rejects where the server refuses. */
  readonly tryQuery: (text: string, values?: unknown[]) => Promise<void>
}

const TRIES = 100
const PAUSE_MS = 200

export function createOwner(url: string): Owner {
  const once = async <Row extends pg.QueryResultRow>(
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 3000,
      query_timeout: 30_000,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  return {
    query: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => {
      for (let tried = 1; ; tried += 1) {
        try {
          return await once<Row>(text, values)
        } catch (error) {
          if (tried === TRIES) throw error
          await sleep(PAUSE_MS)
        }
      }
    },
    tryQuery: async (text, values) => void (await once(text, values)),
  }
}
