/** What kept the server from running; `message` says where and what to do. */
export type EmbeddedPostgresErrorCode =
  | 'unsupported_platform'
  | 'no_user'
  | 'not_writable'
  | 'not_reachable'
  | 'in_use'
  | 'other_version'
  | 'initdb_failed'
  | 'start_failed'

/** The embedded server cannot run. The message says what is wrong, where, and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'
  readonly code: EmbeddedPostgresErrorCode

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The way out of every trouble with the embedded server. */
export const USE_ANOTHER = 'or set CIMD_DATABASE_URL to a PostgreSQL of your own'

/** The `code` of a system error, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Runs a change of the file system; a refusal of the system becomes `not_writable`, naming the path. */
export function writing<T>(path: string, change: () => T): T {
  try {
    return change()
  } catch (error) {
    throw notWritable(path, error)
  }
}

/** What to throw for an error met while writing there: `not_writable` for the system's, anything else as it is. */
export function notWritable(path: string, error: unknown): unknown {
  const code = systemCode(error)
  if (code === undefined) return error
  return new EmbeddedPostgresError(
    'not_writable',
    `The embedded PostgreSQL cannot write to ${path} (${code}): make it writable, ${USE_ANOTHER}.`,
    { cause: error },
  )
}
