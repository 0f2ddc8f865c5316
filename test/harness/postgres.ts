import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startEmbeddedPostgres } from '@cimd/embedded'
import pg from 'pg'
import { dockerAnswers } from './docker.ts'
import {
  findExecutable,
  freePort,
  makeDirectory,
  type Owner,
  runCommand,
  startServer,
} from './local-server.ts'

/** A Postgres to test with, or how to get one. `adminUrl` may create databases and roles. */
export type PostgresProvider =
  | { kind: 'provided'; adminUrl: string; source: string; stop(): Promise<void> }
  | { kind: 'missing'; how: string }

/** A database of one test file. */
export type TestDatabase = { url: string; drop(): Promise<void> }

type Provided = Extract<PostgresProvider, { kind: 'provided' }>

const HOW =
  'set CIMD_TEST_DATABASE_URL to a superuser URL, start Docker, or install PostgreSQL 15 or newer (initdb, postgres)'
const IMAGE = 'postgres:18-alpine'
const MAX_CONNECTIONS = 300

/** Environment, Docker, local binaries, npm's binaries: the first that works. */
export async function providePostgres(): Promise<PostgresProvider> {
  const given = process.env['CIMD_TEST_DATABASE_URL']
  if (given) return await givenServer(given)
  const failures: string[] = []
  for (const start of [startContainer, startLocal, startEmbedded]) {
    try {
      const provided = await start()
      if (provided) return provided
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  return { kind: 'missing', how: [HOW, ...failures].join('; ') }
}

/** A new database, copied from the template if one is named; its name begins with the prefix. */
export async function createDatabase(
  adminUrl: string,
  options: { template?: string; prefix?: string } = {},
): Promise<TestDatabase> {
  const name = `${options.prefix ?? 'cimd_test_'}${randomBytes(6).toString('hex')}`
  const template = options.template === undefined ? '' : ` TEMPLATE ${pg.escapeIdentifier(options.template)}`
  await administer(adminUrl, `CREATE DATABASE ${name}${template}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function administer(adminUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 30_000 })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

// Asked for by name, so anything wrong with it is an error, not a reason to look elsewhere.
async function givenServer(adminUrl: string): Promise<Provided> {
  await administer(adminUrl, 'SELECT 1')
  return { kind: 'provided', adminUrl, source: 'CIMD_TEST_DATABASE_URL', stop: async () => undefined }
}

async function startContainer(): Promise<Provided | undefined> {
  if (!(await dockerAnswers())) return undefined
  const { GenericContainer, Wait } = await import('testcontainers')
  const image = process.env['CIMD_TEST_POSTGRES_IMAGE'] ?? IMAGE
  const container = await new GenericContainer(image)
    .withEnvironment({ POSTGRES_HOST_AUTH_METHOD: 'trust' })
    .withCommand(['postgres', '-c', 'fsync=off', '-c', `max_connections=${MAX_CONNECTIONS}`])
    .withExposedPorts(5432)
    // The image starts the server twice: the first time to initialise.
    .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2))
    .start()
  return {
    kind: 'provided',
    adminUrl: `postgres://postgres@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    source: `Testcontainers (${image})`,
    stop: async () => void (await container.stop()),
  }
}

/** Where the server's binaries are installed, and as whom they run here; undefined where they are not. */
export function findPostgres(): { readonly binaries: string; readonly owner: Owner | undefined } | undefined {
  const initdb = findExecutable('initdb') ?? findExecutable('initdb', packagedDirectories())
  return initdb === undefined ? undefined : { binaries: dirname(initdb), owner: unprivilegedOwner() }
}

async function startLocal(): Promise<Provided | undefined> {
  const installed = findPostgres()
  if (!installed) return undefined
  const { binaries, owner } = installed
  const initdb = join(binaries, 'initdb')
  const directory = makeDirectory('cimd-test-postgres-', owner)
  const data = join(directory, 'data')
  const trust = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  try {
    await runCommand(initdb, ['-D', data, ...trust], owner)
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
  const port = await freePort()
  const server = await startServer({
    command: join(binaries, 'postgres'),
    args: ['-D', data, '-p', String(port), ...serverSettings()],
    directory,
    owner,
    readyLine: 'database system is ready to accept connections',
    // Immediate: nothing in it is worth a checkpoint.
    stopSignal: 'SIGQUIT',
  })
  const adminUrl = `postgres://postgres@127.0.0.1:${port}/postgres`
  return { kind: 'provided', adminUrl, source: `throw-away server from ${binaries}`, stop: server.stop }
}

function serverSettings(): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: MAX_CONNECTIONS,
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function startEmbedded(): Promise<Provided> {
  const directory = makeDirectory('cimd-test-embedded-')
  // As root the server runs as another user, who must get in.
  chmodSync(directory, 0o755)
  const server = await startEmbeddedPostgres({ directory, temporary: true, onNotice: console.warn })
  const stop = async () => {
    await server.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  return { kind: 'provided', adminUrl: server.url, source: `embedded PostgreSQL ${server.version}`, stop }
}

// Debian keeps the server's binaries out of PATH, one directory per major version.
function packagedDirectories(): string[] {
  const root = '/usr/lib/postgresql'
  try {
    const versions = readdirSync(root).sort((a, b) => Number(b) - Number(a))
    return versions.map((version) => join(root, version, 'bin'))
  } catch {
    return []
  }
}

// Postgres refuses to run as root.
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = idsOf('postgres') ?? idsOf('nobody')
  if (!owner) throw new Error('root must not run Postgres, and there is no user postgres or nobody')
  return owner
}

function idsOf(user: string): Owner | undefined {
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] })),
    )
    return uid === undefined || gid === undefined ? undefined : { uid, gid }
  } catch {
    return undefined
  }
}
