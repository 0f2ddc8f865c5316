import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'

/**
 * The pool, with every statement that has parameters prepared once per connection: most take longer to plan than
 * to run. A connection keeps each text it has seen, so texts must be few: a list goes in as one array.
 */
export function preparedPool(pool: pg.Pool): PostgresPool {
  const nameOf = createNames()
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect()
      const query = (text: string, values: readonly unknown[] = []) =>
        // Without parameters it may be several statements, which cannot be prepared.
        values.length === 0
          ? client.query(text)
          : client.query({ name: nameOf(text), text, values: [...values] })
      return {
        // Its other form is for cursors, which would have to be configured.
        query: query as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy),
      }
    },
  }
}

function createNames(): (text: string) => string {
  const names = new Map<string, string>()
  return (text) => {
    const name = names.get(text) ?? `cimd_${names.size}`
    names.set(text, name)
    return name
  }
}
