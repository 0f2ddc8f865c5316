import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'

/**
 * Begins a statement of a transaction whose result nobody reads: it goes out without waiting for its answer, a round
 * trip less. If it fails, so does the statement behind it, at the latest the commit, with the error of this one.
 */
export const SENT_AHEAD = '/* sent ahead */'

/**
 * The pool, with every statement that has parameters prepared once per connection: most take longer to plan than
 * to run. A connection keeps each text it has seen, so texts must be few: a list goes in as one array. A
 * connection that cannot serve any longer does not return to the pool. `begin` is always sent ahead.
 */
export function preparedPool(pool: pg.Pool): PostgresPool {
  const nameOf = createNames()
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      let broken: Error | undefined
      // The pool listens to idle connections only: one that ends between two statements of a transaction would end the process.
      const onError = (error: Error): void => {
        broken ??= error
      }
      client.on('error', onError)
      let ahead: Promise<unknown> = Promise.resolve()
      // Without parameters it may be several statements, which cannot be prepared.
      const send = (text: string, values: readonly unknown[]) =>
        values.length === 0
          ? client.query(text)
          : client.query({ name: nameOf(text), text, values: [...values] })
      const query = async (text: string, values: readonly unknown[] = []) => {
        // A rollback on it would wait as long as the statement did.
        if (broken !== undefined) throw broken
        if (text === 'begin' || text.startsWith(SENT_AHEAD)) {
          ahead = Promise.all([ahead, send(text, values)])
          ahead.catch(() => {})
          return NOTHING
        }
        try {
          const [, result] = await Promise.all([ahead, send(text, values)])
          return result
        } catch (error) {
          if (isBeyondUse(error)) broken = error
          throw error
        }
      }
      return {
        // Its other form is for cursors, which would have to be configured.
        query: query as unknown as PostgresPoolClient['query'],
        release: (destroy) => {
          client.off('error', onError)
          client.release(destroy || broken !== undefined)
        },
      }
    },
  }
}

const NOTHING = { command: '', rowCount: null, rows: [] }

const READ_ONLY_TRANSACTION = '25006'

/** The server has vanished, or became a replica: only a new connection can find the one that took over. */
function isBeyondUse(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? error.code : undefined
  return code === READ_ONLY_TRANSACTION || error.message === 'Query read timeout'
}

function createNames(): (text: string) => string {
  const names = new Map<string, string>()
  return (text) => {
    const name = names.get(text) ?? `cimd_${names.size}`
    names.set(text, name)
    return name
  }
}
