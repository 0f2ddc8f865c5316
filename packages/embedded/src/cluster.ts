import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError, systemCode, USE_ANOTHER, writing } from './error.ts'
import { startGuard } from './guard.ts'
import type { Place } from './place.ts'
import { runAs } from './run-as.ts'

// In postgresql.conf of the new cluster, where its user may change them. 128 MB, the default, is much for a machine
// that runs everything; max_connections covers every service's pool and the queues' several times.
const INITIAL_SETTINGS = { max_connections: '100', shared_buffers: '64MB', timezone: 'UTC' } as const

const PARTIAL = 'data.partial-'

/** Makes the cluster if there is none, and refuses one that another major version made. */
export async function prepareCluster(place: Place, binaries: Binaries): Promise<void> {
  const major = majorOf(binaries.version)
  const found = clusterVersion(place.data)
  if (found === undefined) return await initialise(place, binaries)
  if (found !== major) {
    throw new EmbeddedPostgresError(
      'other_version',
      `The database in ${place.data} was made by PostgreSQL ${found}, and the embedded one is ${binaries.version}: move ` +
        `its contents over with pg_dump of PostgreSQL ${found}, remove the folder to begin anew, ${USE_ANOTHER}.`,
    )
  }
}

// Nothing in it is worth a sync; and what is thrown away are tests, which open connections by the hundred.
const TEMPORARY_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
}

/** What the server is started with: nothing here is for its user to change. */
export function serverArguments(data: string, socketDirectory: string, temporary: boolean): string[] {
  const settings = {
    // See chooseSocketDirectory.
    listen_addresses: '',
    unix_socket_directories: quotedName(socketDirectory),
    unix_socket_permissions: '0700',
    // Starts, stops and crashes; errors of statements come back to whoever sent them, and may hold private values.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    ...(temporary ? TEMPORARY_SETTINGS : {}),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', data, '-p', '5432', ...flags]
}

/** A name in a list setting: a comma or an outer space in it would end it. */
export function quotedName(path: string): string {
  return `"${path.replaceAll('"', '""')}"`
}

/** `18` of `18.4`. */
export function majorOf(version: string): string {
  return /^\d+/.exec(version)?.[0] ?? ''
}

function clusterVersion(data: string): string | undefined {
  try {
    return readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

// Beside its place and then moved there: an interrupted initdb never looks like a cluster.
async function initialise({ root, data, log, owner }: Place, { initdb }: Binaries): Promise<void> {
  const partial = readdirSync(root).filter((name) => name.startsWith(PARTIAL))
  await runAs(owner, 'rm', ['-rf', ...partial.map((name) => join(root, name))])
  // A name of its own: an initdb that is still being stopped removes what it made.
  const made = join(root, PARTIAL + randomBytes(3).toString('hex'))
  const guard = startGuard({ owner, signal: 'TERM', log, command: initdb, args: initdbArguments(made) })
  guard.claimed()
  guard.go()
  const ended = await guard.ended
  if (!ended.ok) {
    throw new EmbeddedPostgresError(
      'initdb_failed',
      `PostgreSQL could not make a database in ${root} (initdb: ${ended.how}):\n${ended.said}\nMend that, ${USE_ANOTHER}.`,
    )
  }
  writing(data, () => renameSync(made, data))
}

function initdbArguments(data: string): string[] {
  const settings = Object.entries(INITIAL_SETTINGS).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  const access = ['--username=postgres', '--auth-local=trust', '--auth-host=reject']
  // Nothing in it is worth waiting for the disk yet: an empty cluster is made anew in a moment.
  const speed = ['--no-sync', '--no-instructions']
  return ['-D', data, ...access, '--encoding=UTF8', '--locale=C', ...speed, ...settings]
}
