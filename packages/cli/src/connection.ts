import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, commonEnvironment, needed, parseEnvironment } from '@cimd/runtime'
import { checkSchema, closeDb, type Db, openDb } from '@cimd/store'
import { z } from 'zod'

export type Environment = Readonly<Record<string, string | undefined>>

/** A URL and where it was found, for messages. */
export type Located = { readonly url: string; readonly source: string }

/** What a running `npm start` tells of itself, and the file it is told in. */
export type Standalone = z.infer<typeof standaloneFile> & { readonly file: string }

/** Where the parts of the deployment are. Each throws `ConfigError` when it is not known. */
export type Connections = {
  readonly database: () => Located
  readonly queue: () => Located
  /** `given` is what the command line says. */
  readonly api: (given: string | undefined) => Located
}

const standaloneFile = z.object({
  databaseUrl: z.string().min(1),
  queueUrl: z.string().min(1),
  apiUrl: z.string().min(1),
})

/** The key that the api is asked with. Throws `ConfigError` when there is none. */
export function readApiKey(given: string | undefined, environment: Environment): string {
  const key = given || environment['CIMD_API_KEY']
  if (key) return key
  throw new ConfigError(['CIMD_API_KEY: it is not set; `cimd key create TENANT` makes one, --key takes one'])
}

const API_URL = 'http://127.0.0.1:8080'

/** The environment first, then the `npm start` that runs in this directory. */
export function createConnections(
  environment: Environment,
  findStandalone: () => Standalone | undefined,
): Connections {
  return {
    database() {
      const url = readUrl(environment, 'CIMD_DATABASE_URL')
      if (url !== undefined) return { url, source: 'CIMD_DATABASE_URL' }
      const standalone = findStandalone()
      if (standalone === undefined) throw nothingRuns('CIMD_DATABASE_URL', 'postgres://user@host:5432/name')
      return { url: standalone.databaseUrl, source: standalone.file }
    },
    queue() {
      const url = readUrl(environment, 'CIMD_QUEUE_URL')
      if (url !== undefined) return { url, source: 'CIMD_QUEUE_URL' }
      const standalone = findStandalone()
      const database = readUrl(environment, 'CIMD_DATABASE_URL')
      // The queue of one deployment beside the store of another would only mislead.
      if (standalone === undefined || ![undefined, standalone.databaseUrl].includes(database)) {
        throw nothingRuns('CIMD_QUEUE_URL', 'redis://host:6379 or postgres://…')
      }
      return { url: standalone.queueUrl, source: standalone.file }
    },
    api(given) {
      if (given !== undefined) return { url: httpUrl(given, '--api'), source: '--api' }
      const url = environment['CIMD_API_URL'] || undefined
      if (url !== undefined) return { url: httpUrl(url, 'CIMD_API_URL'), source: 'CIMD_API_URL' }
      const standalone = findStandalone()
      if (standalone === undefined) return { url: API_URL, source: 'CIMD_API_URL is not set' }
      return { url: httpUrl(standalone.apiUrl, standalone.file), source: standalone.file }
    },
  }
}

/** What kind of deployment a migration records. Throws `ConfigError`. */
export function readDeploymentKind(environment: Environment): 'development' | 'production' {
  const { CIMD_ENV } = commonEnvironment
  return parseEnvironment(z.object({ CIMD_ENV }), environment).CIMD_ENV
}

/** What `npm start` wrote when it began to run in this directory, if it runs. Throws `ConfigError`. */
export function readStandalone(directory: string, environment: Environment): Standalone | undefined {
  const file = join(environment['CIMD_DATA_DIRECTORY'] || '.cimd', 'standalone.json')
  const text = readOwnFile(join(directory, file), file)
  if (text === undefined) return undefined
  try {
    return { ...standaloneFile.parse(JSON.parse(text)), file }
  } catch {
    throw new ConfigError([`${file}: is not what \`npm start\` writes: remove it, or start again`])
  }
}

/** Opens the store for one command, in the role of an operator. A store that cannot be used is named by where its URL was found. */
export async function withStore<T>(database: Located, work: (db: Db) => Promise<T>): Promise<T> {
  const db = openDb({ url: database.url, role: 'cimd_operator', connectionsMax: 1, onError: () => {} })
  try {
    // Only production minds a clock that was moved; what a person looks at or makes here does not.
    await needed(`database (${database.source})`, checkSchema(db, 'development'))
    return await work(db)
  } finally {
    await closeDb(db)
  }
}

function readUrl(environment: Environment, name: 'CIMD_DATABASE_URL' | 'CIMD_QUEUE_URL'): string | undefined {
  return parseEnvironment(z.object({ [name]: commonEnvironment[name].optional() }), environment)[name]
}

function nothingRuns(name: string, example: string): ConfigError {
  return new ConfigError([
    `${name}: it is not set, and no \`npm start\` runs in this directory. Set it to ${example}, or run npm start first`,
  ])
}

function httpUrl(text: string, source: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text.replace(/\/+$/, '')
  throw new ConfigError([`${source}: must be a URL such as ${API_URL}`])
}

// The API key goes where the file says, so a file that came with somebody's archive or checkout is not believed.
function readOwnFile(path: string, shown: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if ((found.mode & 0o077) !== 0) {
    throw new ConfigError([`${shown}: is open to others, so it was not written by \`npm start\`: remove it`])
  }
  return readFileSync(path, 'utf8')
}
