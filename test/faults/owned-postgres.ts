import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import {
  freePort,
  type LocalServer,
  makeDirectory,
  runCommand,
  startServer,
} from '../harness/local-server.ts'
import { findPostgres } from '../harness/postgres.ts'
import { type SmallDisk, smallDisks } from './small-disk.ts'

/** A Postgres of our own, to be stopped in every way while others use it. */
export type OwnedPostgres = {
  /** As a superuser. */
  readonly adminUrl: string
  /** Undefined where none can be made: then no disk can be filled up. */
  readonly disks: { readonly data: SmallDisk; readonly wal: SmallDisk } | undefined
  /** `immediate`: every process of it ends at once, as in a crash. */
  readonly stop: (mode: 'fast' | 'immediate') => Promise<void>
  readonly start: () => Promise<void>
  /** Waits until it answers, and starts it again if it has given up; resolves with whether it had. */
  readonly revive: () => Promise<'answers' | 'started again'>
  readonly close: () => Promise<void>
}

/** Room for a run of a quarter of an hour. */
const DATA_DISK_BYTES = 768 * 1024 ** 2
const WAL_DISK_BYTES = 256 * 1024 ** 2
const REVIVAL_MS_MAX = 30_000

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  // Processes end here, never the machine: what was handed to the kernel is kept. What is committed has to be.
  fsync: 'off',
  min_wal_size: '16MB',
  max_wal_size: '64MB',
  log_min_messages: 'log',
}

/** Creates a cluster, on small disks of its own where this process may make them, and starts it. */
export async function startOwnedPostgres(): Promise<OwnedPostgres> {
  const installed = findPostgres()
  if (installed === undefined) throw new Error('install PostgreSQL 15 or newer (initdb, postgres)')
  const home = makeDirectory('cimd-faults-postgres-', installed.owner)
  const disks = smallDisks(home, installed.owner, { data: DATA_DISK_BYTES, wal: WAL_DISK_BYTES })
  const cluster = { ...installed, data: join(home, 'data', 'cluster'), wal: join(home, 'wal', 'pg_wal') }
  await initialise(cluster)
  const port = await freePort()
  const adminUrl = `postgres://postgres@127.0.0.1:${port}/postgres`
  let server: LocalServer | undefined
  const start = async (): Promise<void> => {
    server = await startPostgres(cluster, port)
  }
  const stop = async (mode: 'fast' | 'immediate'): Promise<void> => {
    const pid = mode === 'immediate' ? postmasterPid(cluster) : undefined
    if (pid !== undefined) process.kill(pid, 'SIGQUIT')
    await server?.stop()
    server = undefined
  }
  const again = async (): Promise<void> => {
    await stop('fast')
    await start()
  }
  await start()
  return {
    ...{ adminUrl, disks, stop, start },
    revive: () => revive(adminUrl, cluster, again),
    close: async () => {
      await stop('immediate')
      disks?.data.close()
      disks?.wal.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

type Cluster = NonNullable<ReturnType<typeof findPostgres>> & { readonly data: string; readonly wal: string }

async function initialise({ binaries, owner, data, wal }: Cluster): Promise<void> {
  const trust = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await runCommand(join(binaries, 'initdb'), ['-D', data, '-X', wal, '--wal-segsize=4', ...trust], owner)
}

function startPostgres({ binaries, owner, data }: Cluster, port: number): Promise<LocalServer> {
  return startServer({
    command: join(binaries, 'postgres'),
    args: ['-D', data, '-p', String(port), ...settings()],
    directory: makeDirectory('cimd-faults-run-', owner),
    owner,
    readyLine: 'database system is ready to accept connections',
    // Fast: waits for nobody.
    stopSignal: 'SIGINT',
  })
}

function settings(): string[] {
  return Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** The file goes when the server ends, whatever it ends of. */
function postmasterPid({ data }: Cluster): number | undefined {
  try {
    return Number(readFileSync(join(data, 'postmaster.pid'), 'latin1').split('\n')[0])
  } catch {
    return undefined
  }
}

async function revive(adminUrl: string, cluster: Cluster, again: () => Promise<void>) {
  const endsAt = performance.now() + REVIVAL_MS_MAX
  while (performance.now() < endsAt) {
    if (await answers(adminUrl)) return 'answers'
    if (postmasterPid(cluster) === undefined) {
      await again()
      return 'started again'
    }
    await sleep(100)
  }
  throw new Error(`Postgres did not answer within ${REVIVAL_MS_MAX} ms`)
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}
