import { apiEnvironment } from '@cimd/api'
import { fetcherEnvironment } from '@cimd/fetcher'
import { notifierEnvironment } from '@cimd/notifier'
import { schedulerEnvironment } from '@cimd/scheduler'
import { STANDALONE_DEFAULTS, standaloneEnvironment } from '@cimd/standalone'
import { z } from 'zod'

/** One variable as its schemas describe it; the first service that reads it speaks for all. */
type Variable = {
  readonly name: string
  readonly description: string
  readonly allowed: string
  readonly default: string | undefined
  /** The services that do not start without it. */
  readonly requiredBy: readonly string[]
  readonly services: readonly string[]
}

const ENVIRONMENTS = {
  api: apiEnvironment,
  fetcher: fetcherEnvironment,
  scheduler: schedulerEnvironment,
  notifier: notifierEnvironment,
  standalone: standaloneEnvironment,
}

/** Every variable any service reads, those of all services first. */
function listVariables(environments: Readonly<Record<string, z.ZodObject>>): Variable[] {
  const variables = new Map<string, Variable>()
  for (const [service, schema] of Object.entries(environments)) {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    for (const [name, property] of Object.entries(properties)) {
      const known = variables.get(name)
      const described = known ?? describe(name, property)
      variables.set(name, {
        ...described,
        requiredBy: [...described.requiredBy, ...(required.includes(name) ? [service] : [])],
        services: [...described.services, service],
      })
    }
  }
  return [...variables.values()].sort((a, b) => b.services.length - a.services.length)
}

function describe(name: string, property: boolean | z.core.JSONSchema._JSONSchema): Variable {
  const facts = typeof property === 'object' ? property : {}
  return {
    name,
    description: facts.description ?? '',
    allowed: allowedValues(name, facts),
    default: facts.default === undefined ? undefined : String(facts.default),
    requiredBy: [],
    services: [],
  }
}

function allowedValues(name: string, facts: z.core.JSONSchema.BaseSchema): string {
  if (facts.enum !== undefined) return facts.enum.join(', ')
  if (name === 'CIMD_DATABASE_URL') return 'postgres://…'
  if (name === 'CIMD_QUEUE_URL') return 'redis://…, rediss://…, postgres://…'
  if (/^CIMD_BRIDGE_\w+_URL$/.test(name)) return 'redis://…, rediss://…'
  if (facts.minimum === undefined) return 'text'
  const bounded = facts.maximum !== undefined && facts.maximum < Number.MAX_SAFE_INTEGER
  return bounded ? `${facts.minimum} to ${facts.maximum}` : `${facts.minimum} or more`
}

const standaloneDefaults = Object.entries(STANDALONE_DEFAULTS)
  .map(([name, value]) => `\`${name}=${value}\``)
  .join(', ')

/** docs/configuration.md */
export function renderConfiguration(): string {
  const rows = listVariables(ENVIRONMENTS).map((variable) => {
    return `| \`${variable.name}\` | ${fallbackOf(variable)} | ${variable.allowed} | ${variable.services.join(', ')} | ${variable.description} |`
  })
  return [
    '# Configuration',
    '',
    'Made by `npm run docs` from the schemas in `services/*/src/config.ts`. Every problem is reported at once, with the',
    'variable, what was found and what is allowed; a process with a wrong configuration exits with 78.',
    '',
    '`npm start` (standalone) hands the variables of all services on to them, and reads `.env` too, which neither they nor',
    '`npx cimd` do. Nothing has to be set there: without `CIMD_DATABASE_URL` it starts an embedded PostgreSQL, without',
    '`CIMD_QUEUE_URL` the store is the queue as well. Its other defaults:',
    `${standaloneDefaults}.`,
    '',
    '`npx cimd` reads `CIMD_DATABASE_URL` and `CIMD_QUEUE_URL`, or `CIMD_API_URL` and `CIMD_API_KEY`; which, says its `--help`.',
    '',
    '| variable | default | allowed | read by | what it is |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** .env.example */
export function renderEnvironmentExample(): string {
  const { standalone, ...services } = ENVIRONMENTS
  const entries = listVariables({ standalone, ...services }).map(
    ({ name, description, allowed, default: fallback = '' }) =>
      `# ${description}\n# Allowed: ${allowed}\n# ${name}=${STANDALONE_DEFAULTS[name] ?? fallback}\n`,
  )
  return `# Made by \`npm run docs\`. \`npm start\` reads .env; copy this file and uncomment what you want to change.\n\n${entries.join('\n')}`
}

function fallbackOf({ default: fallback = '', requiredBy, services }: Variable): string {
  if (requiredBy.length === 0) return fallback === '' ? '' : `\`${fallback}\``
  const others = services.filter((service) => !requiredBy.includes(service))
  return others.length === 0 ? 'must be set' : `must be set, but for ${others.join(', ')}`
}
