import { z } from 'zod'

/** The environment cannot be used. The message lists every problem, one per line. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** Milliseconds, whole and positive, from text. */
export const milliseconds = z.coerce.number().int().positive()

/** A whole number of at least one, from text. */
export const count = z.coerce.number().int().positive()

const port = z.coerce.number().int().min(0).max(65_535)

const urlOf = (protocols: RegExp, example: string) =>
  z.url({ protocol: protocols, error: `must be a URL such as ${example}` })

/** Variables every service reads. */
export const commonEnvironment = {
  CIMD_ENV: z
    .enum(['development', 'production'])
    .default('development')
    .describe('What kind of deployment this is. `production` refuses everything meant for development.'),
  CIMD_DATABASE_URL: urlOf(/^postgres(ql)?$/, 'postgres://user@host:5432/name').describe('The store.'),
  CIMD_QUEUE_URL: urlOf(/^(rediss?|postgres(ql)?)$/, 'redis://host:6379 or postgres://…').describe(
    'The queue store: Redis, Valkey or Postgres. It may lose everything; the store is the truth.',
  ),
  CIMD_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The least severe level that is logged.'),
  CIMD_HOST: z.string().min(1).default('127.0.0.1').describe('The address this process listens on.'),
  CIMD_SHUTDOWN_GRACE_MS: milliseconds
    .default(10_000)
    .describe('How long running work may take to end after SIGTERM before it is handed back.'),
}

/** The port variable of a service; 0 picks a free one. */
export function portVariable(fallback: number) {
  return port.default(fallback).describe('The port this process listens on; 0 picks a free one.')
}

/**
 * Reads a configuration from an environment. Throws `ConfigError` naming every variable that is wrong, what
 * was found and what is allowed; values of variables that may hold secrets are not repeated.
 */
export function parseEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const given = Object.fromEntries(
    Object.keys(schema.shape).flatMap((name) => {
      const value = environment[name]
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  )
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0])
    return `  ${name}: ${issue.message}${foundText(name, given[name])}`
  })
  throw new ConfigError(`The configuration has ${lines.length} problem(s):\n${lines.join('\n')}`)
}

function foundText(name: string, value: unknown): string {
  if (value === undefined) return ' (it is not set)'
  return name.endsWith('_URL') ? '' : ` (found ${JSON.stringify(value)})`
}
