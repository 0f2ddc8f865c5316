import pg from 'pg'

/** A statement of the api, as it was sent, and those that went before it in its transaction. */
export type SentStatement = { readonly text: string; readonly before: readonly string[] }

/** What the api's connections to one database do differently from what they are asked. */
export type Interference = {
  /** The role they have instead of cimd_api. */
  readonly role?: string
  readonly rewrite?: (text: string) => string
  readonly onSent?: (sent: SentStatement) => void
}

type Query = typeof pg.Client.prototype.query
type Asked = string | { readonly name?: string; readonly text: string }

const ROLE_QUESTION = 'select current_user as user'

/**
 * Stands between the api in this process and its databases: nothing in the product knows of it. Each test names the
 * database it interferes with, so that several may run at once.
 */
export function interceptStatements() {
  const original: Query = pg.Client.prototype.query
  const interferences = new Map<string, Interference>()
  const transactions = new WeakMap<pg.Client, string[]>()

  function query(this: pg.Client, asked: Asked, ...rest: unknown[]): unknown {
    const interference = isOfApi(this) ? interferences.get(this.database ?? '') : undefined
    const send = (what: Asked): unknown => Reflect.apply(original, this, [what, ...rest])
    const text = typeof asked === 'string' ? asked : asked.text
    if (interference === undefined || text === undefined) return send(asked)
    note(transactions, this, text, interference)
    return send(rewritten(asked, interference))
  }
  pg.Client.prototype.query = query as Query
  return {
    interfere: (database: string, interference: Interference): void => {
      interferences.set(database, interference)
    },
    leave: (database: string): void => {
      interferences.delete(database)
    },
    restore: (): void => {
      pg.Client.prototype.query = original
    },
  }
}

function isOfApi(client: pg.Client): boolean {
  const { options } = (client as unknown as { connectionParameters: { options?: string } })
    .connectionParameters
  return options?.includes('role=cimd_api') ?? false
}

function note(
  transactions: WeakMap<pg.Client, string[]>,
  client: pg.Client,
  text: string,
  { onSent }: Interference,
): void {
  if (text === 'begin') transactions.set(client, [])
  const before = transactions.get(client) ?? []
  onSent?.({ text, before: [...before] })
  before.push(text)
  if (text === 'commit' || text === 'rollback') transactions.delete(client)
}

// The pool asks each new connection for its role: that is where it gets another.
function rewritten(asked: Asked, { role, rewrite }: Interference): Asked {
  const text = typeof asked === 'string' ? asked : asked.text
  if (role !== undefined && text === ROLE_QUESTION) {
    return `select set_config('role', '${role}', false), 'cimd_api' as user`
  }
  const changed = rewrite?.(text) ?? text
  if (changed === text) return asked
  return typeof asked === 'string' ? changed : { ...asked, text: changed }
}
