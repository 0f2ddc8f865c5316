import { apiEnvironment } from '@cimd/api'
import { fetcherEnvironment } from '@cimd/fetcher'
import { notifierEnvironment } from '@cimd/notifier'
import { schedulerEnvironment } from '@cimd/scheduler'
import { standaloneEnvironment } from '@cimd/standalone'
import { z } from 'zod'

/** One variable as its schemas describe it; the first service that reads it speaks for all. */
type Variable = {
  readonly name: string
  readonly description: string
  readonly allowed: string
  readonly default: string | undefined
  readonly required: boolean
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
function listVariables(): Variable[] {
  const variables = new Map<string, Variable>()
  for (const [service, schema] of Object.entries(ENVIRONMENTS)) {
    const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    for (const [name, property] of Object.entries(properties)) {
      const known = variables.get(name)
      const described = known ?? describe(name, property, required.includes(name))
      variables.set(name, { ...described, services: [...(known?.services ?? []), service] })
    }
  }
  return [...variables.values()].sort((a, b) => b.services.length - a.services.length)
}

function describe(
  name: string,
  property: boolean | z.core.JSONSchema._JSONSchema,
  required: boolean,
): Variable {
  const facts = typeof property === 'object' ? property : {}
  return {
    name,
    description: facts.description ?? '',
    allowed: allowedValues(name, facts),
    default: facts.default === undefined ? undefined : String(facts.default),
    required,
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

/** docs/configuration.md */
export function renderConfiguration(): string {
  const rows = listVariables().map((variable) => {
    const fallback = variable.required ? 'must be set' : code(variable.default)
    return `| \`${variable.name}\` | ${fallback} | ${variable.allowed} | ${variable.services.join(', ')} | ${variable.description} |`
  })
  return [
    '# Configuration',
    '',
    'Made by `npm run docs` from the schemas in `services/*/src/config.ts`. Every problem is reported at once, with the',
    'variable, what was found and what is allowed; a process with a wrong configuration exits with 78.',
    '',
    '| variable | default | allowed | read by | what it is |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

/** .env.example */
export function renderEnvironmentExample(): string {
  const entries = listVariables().map(
    ({ name, description, allowed, default: fallback }) =>
      `# ${description}\n# Allowed: ${allowed}\n# ${name}=${fallback ?? ''}\n`,
  )
  return `# Made by \`npm run docs\`. \`npm start\` reads .env; copy this file and uncomment what you want to change.\n\n${entries.join('\n')}`
}

function code(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``
}
