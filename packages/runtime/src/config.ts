import { z } from 'zod'

/** The environment cannot be used. The message lists every problem, one per line. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super(`The configuration has ${count}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** A whole number from text, within bounds that the message of a wrong one names. */
function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const upTo = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  const error = `must be a whole number ${upTo}`
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error })
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Milliseconds, at least one, up to `max`: a day, well below where timers overflow. */
export function milliseconds(max = DAY_MS) {
  return wholeNumber(1, max)
}

/** How many, at least one, up to `max`. */
export function count(max?: number) {
  return wholeNumber(1, max)
}

/** A switch, off unless it says `true`. */
export function switchVariable(fallback: 'true' | 'false' = 'false') {
  return z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default(fallback)
    .transform((text) => text === 'true')
}

function numbers(text: string): readonly number[] {
  return text.split(',').map(Number)
}

/** What names this deployment in every event it tells: a URI reference (CloudEvents 1.0, `source`). */
export function eventSourceVariable() {
  return z
    .string()
    .regex(/^[\w!#$%&'()*+,./:;=?@[\]~-]{1,256}$/, {
      error: 'must be a URI or a path, such as https://cimd.example.com',
    })
    .default('/cimd-registrar')
    .describe(
      'Names this deployment in its events: a URI, for whoever reads events of several deployments; the same for api and notifier.',
    )
}

/** Ports separated by commas, at least one. */
export function portsVariable(fallback: string) {
  const error = 'must be ports from 1 to 65535 separated by commas, such as 443,8443'
  return z
    .string()
    .regex(/^\s*\d{1,5}(?:\s*,\s*\d{1,5})*\s*$/, { error })
    .refine((text) => numbers(text).every((port) => port >= 1 && port <= 65_535), { error })
    .default(fallback)
    .transform(numbers)
}

/** Texts separated by commas, none by default, all of which `isUsable` takes. */
export function listVariable(isUsable: (texts: readonly string[]) => boolean, error: string) {
  return z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .refine(isUsable, { error })
}

const urlOf = (protocols: RegExp, example: string) =>
  z.url({ protocol: protocols, error: `must be a URL such as ${example}` })

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Variables every service reads. */
export const commonEnvironment = {
  CIMD_ENV: z
    .enum(['development', 'production'], { error: 'must be development or production' })
    .default('development')
    .describe('What kind of deployment this is. `production` refuses everything meant for development.'),
  CIMD_DATABASE_URL: urlOf(/^postgres(ql)?$/, 'postgres://user@host:5432/name').describe('The store.'),
  CIMD_QUEUE_URL: urlOf(/^(rediss?|postgres(ql)?)$/, 'redis://host:6379 or postgres://…').describe(
    'The queue store: Redis, Valkey or Postgres. It may lose everything; the store is the truth.',
  ),
  CIMD_LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` })
    .default('info')
    .describe('The least severe level that is logged.'),
  CIMD_HOST: z.string().min(1).default('127.0.0.1').describe('The address this process listens on.'),
  CIMD_SHUTDOWN_GRACE_MS: milliseconds()
    .default(10_000)
    .describe('How long running work may take to end after SIGTERM before it is handed back.'),
}

/** How many demands of one tenant the fetchers have at once; the same for api and scheduler. */
export function tenantFetchesVariable() {
  return count()
    .default(16)
    .describe(
      'First contacts of one tenant that the fetchers have at once; more wait in line. Fewer than CIMD_FETCH_CONCURRENCY of all fetchers together, or one tenant can keep all of them busy; the same for api and scheduler.',
    )
}

/** The port variable of a service; 0 picks a free one. */
export function portVariable(fallback: number) {
  return wholeNumber(0, 65_535)
    .default(fallback)
    .describe('The port this process listens on; 0 picks a free one.')
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
  throw new ConfigError(
    parsed.error.issues.map((issue) => {
      const name = String(issue.path[0])
      return `${name}: ${issue.message}${foundText(name, given[name])}`
    }),
  )
}

/** Loads several configurations from one environment and reports the problems of all of them at once. */
export function loadTogether<Configs extends Record<string, () => unknown>>(
  loaders: Configs,
): { [Name in keyof Configs]: ReturnType<Configs[Name]> } {
  const problems = new Set<string>()
  const entries = Object.entries(loaders).map(([name, load]) => {
    try {
      return [name, load()]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const problem of error.problems) problems.add(problem)
      return [name, undefined]
    }
  })
  if (problems.size > 0) throw new ConfigError([...problems])
  // Every loader returned: the entries are the configurations under their own names.
  return Object.fromEntries(entries)
}

/** Throws `ConfigError` if there are any: names of what must not be set, and why. */
export function refuseVariables(names: readonly string[], why: string): void {
  if (names.length > 0) throw new ConfigError(names.map((name) => `${name}: ${why}`))
}

function foundText(name: string, value: unknown): string {
  if (value === undefined) return ' (it is not set)'
  return /_(?:URL|PROXY)$/.test(name) ? ` (found ${urlKind(value)})` : ` (found ${JSON.stringify(value)})`
}

// A URL may hold a password, and what is no URL may be one.
function urlKind(value: unknown): string {
  const url = URL.parse(String(value))
  return url === null ? 'something that is no URL' : `${url.protocol}//…`
}
