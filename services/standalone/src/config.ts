import { apiEnvironment, loadConfig as loadApiConfig } from '@cimd/api'
import { fetcherEnvironment, loadConfig as loadFetcherConfig } from '@cimd/fetcher'
import { loadConfig as loadNotifierConfig, notifierEnvironment } from '@cimd/notifier'
import { ConfigError, commonEnvironment, loadTogether, parseEnvironment } from '@cimd/runtime'
import { loadConfig as loadSchedulerConfig, schedulerEnvironment } from '@cimd/scheduler'
import { z } from 'zod'

type Environment = Readonly<Record<string, string | undefined>>

/** What the standalone process reads beside the variables of the services it runs. */
export const standaloneEnvironment = z.object({
  CIMD_ENV: commonEnvironment.CIMD_ENV,
  CIMD_DATABASE_URL: commonEnvironment.CIMD_DATABASE_URL.optional().describe(
    'The store. Without it an embedded PostgreSQL is started, for which nothing has to be installed.',
  ),
  CIMD_QUEUE_URL: commonEnvironment.CIMD_QUEUE_URL.optional().describe(
    'The queue store. Without it the store serves as the queue as well.',
  ),
  CIMD_DATA_DIRECTORY: z
    .string()
    .min(1)
    .default('.cimd')
    .describe(
      'Where the embedded PostgreSQL keeps its data, relative to the current directory; `npx cimd` has to be told too.',
    ),
  CIMD_TENANT: z.string().min(1).default('default').describe('The tenant that is made at the first start.'),
})

export type StandaloneConfig = {
  readonly environment: 'development' | 'production'
  /** Undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** Undefined: the store. */
  readonly queueUrl: string | undefined
  readonly dataDirectory: string
  readonly tenant: string
  /** The configuration of every service, once the stores are known. */
  readonly services: (stores: Stores) => ServiceConfigs
}

export type Stores = { readonly databaseUrl: string; readonly queueUrl: string }

export type ServiceConfigs = {
  readonly api: ReturnType<typeof loadApiConfig>
  readonly fetcher: ReturnType<typeof loadFetcherConfig>
  readonly scheduler: ReturnType<typeof loadSchedulerConfig>
  readonly notifier: ReturnType<typeof loadNotifierConfig>
}

/** What is different here: the terminal is for the person in front of it, and only the api's address matters. */
export const STANDALONE_DEFAULTS: Environment = {
  CIMD_LOG_LEVEL: 'warn',
  CIMD_FETCHER_HEALTH_PORT: '0',
  CIMD_SCHEDULER_HEALTH_PORT: '0',
  CIMD_NOTIFIER_HEALTH_PORT: '0',
}

/** Any store will do while only the other variables are checked. */
const PLACEHOLDER_URL = 'postgres://localhost/placeholder'

/** Reads the configuration of all services. Throws `ConfigError` with the problems of all of them. */
export function loadConfig(given: Environment): StandaloneConfig {
  const environment = { ...STANDALONE_DEFAULTS, ...nonEmpty(given) }
  const { own } = loadTogether({
    own: () => parseEnvironment(standaloneEnvironment, environment),
    others: () => refuseUnknown(environment),
    services: () =>
      loadServices({
        CIMD_DATABASE_URL: PLACEHOLDER_URL,
        CIMD_QUEUE_URL: PLACEHOLDER_URL,
        ...environment,
      }),
  })
  return {
    environment: own.CIMD_ENV,
    databaseUrl: own.CIMD_DATABASE_URL,
    queueUrl: own.CIMD_QUEUE_URL,
    dataDirectory: own.CIMD_DATA_DIRECTORY,
    tenant: own.CIMD_TENANT,
    services: ({ databaseUrl, queueUrl }) =>
      loadServices({ ...environment, CIMD_DATABASE_URL: databaseUrl, CIMD_QUEUE_URL: queueUrl }),
  }
}

/** Variables of ours that this process does not read: the command line's and the tests'. */
const ELSEWHERE = /^CIMD_(API_(KEY|URL)$|TEST_)/

// A misspelt name would otherwise leave its default in place without a word.
function refuseUnknown(environment: Environment): void {
  const schemas = [
    standaloneEnvironment,
    apiEnvironment,
    fetcherEnvironment,
    schedulerEnvironment,
    notifierEnvironment,
  ]
  const known = new Set(schemas.flatMap(({ shape }) => Object.keys(shape)))
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('CIMD_') && !known.has(name) && !ELSEWHERE.test(name),
  )
  if (unknown.length === 0) return
  throw new ConfigError(
    unknown.map((name) => `${name}: there is no such variable; docs/configuration.md lists them`),
  )
}

function loadServices(environment: Environment): ServiceConfigs {
  return loadTogether({
    api: () => loadApiConfig(environment),
    fetcher: () => loadFetcherConfig(environment),
    scheduler: () => loadSchedulerConfig(environment),
    notifier: () => loadNotifierConfig(environment),
  })
}

function nonEmpty(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
}
