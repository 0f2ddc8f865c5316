import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { authenticate, closeDb, dangerouslySetClockOffset, openDb, SCHEMA_VERSION } from '@cimd/store'
import { describe, expect, inject, it, vi } from 'vitest'
import { documentOf, publish, serveAt } from '../harness/documents.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'
import { createDatabase } from '../harness/postgres.ts'
import { adminUrl, describeStore } from './store-bundle.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const VSCODE = fileURLToPath(new URL('../fixtures/documents/vscode.json', import.meta.url))
const NOBODY_LISTENS = 'postgres://nobody@127.0.0.1:1/none'

// Most tests start several processes one after the other.
vi.setConfig({ testTimeout: 60_000 })

type Ended = { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }
type Run = (...args: readonly string[]) => Promise<Ended>

type Surroundings = {
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
  readonly directory?: string
}

/** The command as a shell starts it, with nothing of this environment but what is given. */
async function cimd(args: readonly string[], given: Surroundings = {}): Promise<Ended> {
  const { environment = {}, input = '', directory = tmpdir() } = given
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  })
  child.stdin.end(input)
  const [[exitCode], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ])
  return { exitCode, stdout, stderr }
}

describe('cimd', () => {
  it.each(['', 'check', 'tenant create', 'key revoke'])('%s --help ends with 0', async (command) => {
    const { exitCode, stdout, stderr } = await cimd([...command.split(' ').filter(Boolean), '--help'])
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`Usage: cimd ${command}`)
  })

  it('suggests the nearest command', async () => {
    const { exitCode, stdout, stderr } = await cimd(['stauts'])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('Did you mean status?')
  })

  it('checks a file, and standard input', async () => {
    const file = await cimd(['check', VSCODE])
    expect(file).toMatchObject({ exitCode: 0, stderr: '' })
    expect(file.stdout).toMatch(/accepted\n$/)
    const wrong = JSON.stringify(documentOf('https://app.example.net/c', { client_secret: 'x' }))
    const piped = await cimd(['check', '-', '--json'], { input: wrong })
    expect(piped).toMatchObject({ exitCode: 1, stderr: '' })
    expect(JSON.parse(piped.stdout)).toMatchObject({ verdict: 'refused', code: 'forbidden_member' })
  })

  it('checks a URL without a fetch when it cannot be a client identifier', async () => {
    const { exitCode, stdout } = await cimd(['check', 'https://169.254.169.254/latest'])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('refused (host_ip_literal)')
  })

  it('tells which file cannot be read', async () => {
    const { exitCode, stderr } = await cimd(['check', 'no-such-file.json'])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^cimd: cannot read no-such-file.json .*ENOENT.*\n$/)
  })

  it.each(['status', 'migrate', 'tenant list', 'key revoke 0123456789ab'])(
    '%s on a database that is away ends with 1 and one clear line',
    async (line) => {
      const environment = { CIMD_DATABASE_URL: NOBODY_LISTENS, CIMD_QUEUE_URL: NOBODY_LISTENS }
      const { exitCode, stdout, stderr } = await cimd(line.split(' '), { environment })
      expect([exitCode, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^cimd: the database \(CIMD_DATABASE_URL\) cannot be used: connect ECONN.*\n$/)
    },
  )

  it('without any database names the variable and npm start, and ends with 2', async () => {
    const { exitCode, stderr } = await cimd(['tenant', 'list'])
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/CIMD_DATABASE_URL: it is not set, .*npm start/)
  })
})

describeStore('cimd on a store of its own', () => {
  it('migrates an empty database, once', async () => {
    await using store = await openStore()
    const unmigrated = await store.run('tenant', 'list')
    expect(unmigrated).toMatchObject({ exitCode: 1, stdout: '' })
    expect(unmigrated.stderr).toContain('run the migrations first')

    const first = await store.run('migrate')
    expect(first).toMatchObject({ exitCode: 0, stderr: '' })
    expect(first.stdout).toContain('0001-deployment')
    expect((await store.run('migrate')).stdout).toContain('up to date')
    const again = await store.run('migrate', '--json')
    expect(JSON.parse(again.stdout)).toEqual({
      applied: [],
      schema_version: SCHEMA_VERSION,
      environment: 'development',
      queue: 'ready',
    })
  })

  it('makes and lists tenants, each once', async () => {
    await using store = await migratedStore()
    expect((await store.run('tenant', 'list')).stdout).toContain('There are no tenants')
    expect((await store.run('tenant', 'create', 'first')).stdout).toBe('Made the tenant "first".\n')
    const again = await store.run('tenant', 'create', 'first', '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ name: 'first', created: false })
    await store.run('key', 'create', 'first')
    expect(await store.run('tenant', 'profile', 'nobody', 'atproto')).toMatchObject({
      exitCode: 1,
      stderr: 'cimd: there is no tenant "nobody": cimd tenant create nobody\n',
    })
    const chosen = await store.run('tenant', 'profile', 'first', 'mcp-2026-07-28')
    expect(chosen.stdout).toBe('The tenant "first" has the profile mcp-2026-07-28.\n')
    const { tenants } = JSON.parse((await store.run('tenant', 'list', '--json')).stdout)
    expect(tenants).toEqual([
      {
        id: JSON.parse(again.stdout).id,
        name: 'first',
        profile: 'mcp-2026-07-28',
        keys: 1,
        created_at: expect.any(String),
      },
    ])
  })

  it('makes a key that works until it is revoked, and shows it once', async () => {
    await using store = await migratedStore()
    await store.run('tenant', 'create', 'first')
    const { stdout, stderr, exitCode } = await store.run('key', 'create', 'first')
    expect(exitCode).toBe(0)
    expect(stderr).toContain('Keep it now')
    const key = stdout.trim()
    expect(await store.authenticate(key)).toMatchObject({ scopes: ['resolve', 'events'] })

    const listed = await store.run('key', 'list', 'first')
    const prefix = key.split('_')[1] ?? ''
    expect(listed.stdout).toMatch(new RegExp(`^${prefix} +resolve,events +.* never +no$`, 'm'))
    expect(listed.stdout).not.toContain(key.slice(`cimd_${prefix}_`.length))

    const revoked = await store.run('key', 'revoke', key)
    expect(revoked.stdout).toMatch(new RegExp(`^The key ${prefix} of the tenant "first" is revoked since `))
    expect(await store.authenticate(key)).toBeUndefined()
    // A second time keeps the first time.
    expect((await store.run('key', 'revoke', prefix)).stdout).toBe(revoked.stdout)
  })

  it('makes a key that expires, with the scopes it is given', async () => {
    await using store = await migratedStore()
    await store.run('tenant', 'create', 'first')
    const args = ['--scope', 'resolve', 'demand_without_subject', '--expires-days', '90', '--json']
    const made = JSON.parse((await store.run('key', 'create', 'first', ...args)).stdout)
    expect(made).toMatchObject({ tenant: 'first', scopes: ['resolve', 'demand_without_subject'] })
    const lifetimeMs = Date.parse(made.expires_at) - Date.parse(made.created_at)
    expect(lifetimeMs / 86_400_000).toBeCloseTo(90, 1)
    await store.moveClock(89 * 86_400)
    expect(await store.authenticate(made.key)).toBeDefined()
    await store.moveClock(91 * 86_400)
    expect(await store.authenticate(made.key)).toBeUndefined()
  })

  it('says what it does not know', async () => {
    await using store = await migratedStore()
    const tenant = await store.run('key', 'create', 'nobody')
    expect(tenant).toMatchObject({ exitCode: 1, stdout: '' })
    expect(tenant.stderr).toBe('cimd: there is no tenant "nobody": cimd tenant create nobody\n')
    const key = await store.run('key', 'revoke', '0123456789ab')
    expect(key).toMatchObject({ exitCode: 1, stdout: '' })
    expect(key.stderr).toBe('cimd: there is no key with the prefix 0123456789ab\n')
  })

  it('shows the status of an empty deployment', async () => {
    await using store = await openStore()
    await store.run('migrate')
    const { exitCode, stdout } = await store.run('status', '--json')
    expect(exitCode).toBe(0)
    const none = { waiting: 0, active: 0, delayed: 0, failed: 0 }
    expect(JSON.parse(stdout)).toEqual({
      schema_version: SCHEMA_VERSION,
      environment: 'development',
      clients: { discovering: 0, valid: 0, failing: 0, withdrawn: 0, rejected: 0 },
      versions: 0,
      attempts_last_hour: [],
      due_now: 0,
      oldest_due_seconds: null,
      outbox_waiting: 0,
      queues: { fetch: none, refresh: none },
    })
  })

  it('finds the database of the npm start that runs in the directory', async () => {
    await using store = await migratedStore()
    const directory = mkdtempSync(join(tmpdir(), 'cimd-cli-'))
    store.stack.defer(() => rmSync(directory, { recursive: true }))
    const told = { databaseUrl: store.url, queueUrl: store.url, apiUrl: 'http://127.0.0.1:1' }
    mkdirSync(join(directory, '.cimd'))
    writeFileSync(join(directory, '.cimd/standalone.json'), JSON.stringify(told), { mode: 0o600 })
    const made = await cimd(['tenant', 'create', 'first'], { directory })
    expect(made).toMatchObject({ exitCode: 0, stdout: 'Made the tenant "first".\n' })
    const resolved = await cimd(['resolve', 'https://app.example.net/c', '--key', 'k'], { directory })
    expect(resolved.exitCode).toBe(1)
    expect(resolved.stderr).toContain('the api at http://127.0.0.1:1 (.cimd/standalone.json) cannot be used')
  })

  it('shows the store when the queue is away, and ends with 1', async () => {
    await using store = await migratedStore()
    const environment = { CIMD_DATABASE_URL: store.url, CIMD_QUEUE_URL: 'redis://127.0.0.1:1' }
    const { exitCode, stdout, stderr } = await cimd(['status'], { environment })
    expect(exitCode).toBe(1)
    expect(stdout).toContain(`schema ${SCHEMA_VERSION}, development`)
    expect(stderr).toMatch(/^cimd: the queue \(CIMD_QUEUE_URL\) cannot be used: .*\n$/)
  })
})

describePipeline('cimd with a running deployment', {}, (suite) => {
  const run: Run = (...args) =>
    cimd(args, {
      environment: {
        CIMD_DATABASE_URL: suite.pipeline.databaseUrl,
        CIMD_QUEUE_URL: suite.pipeline.queueUrl,
        CIMD_API_URL: `http://127.0.0.1:${suite.pipeline.running('api').port}`,
        CIMD_API_KEY: suite.pipeline.api.key,
      },
    })

  it('resolves a client: pending, then ready', async () => {
    const clientId = 'https://slow.example.net/client.json'
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const document = JSON.stringify(documentOf(clientId, { client_name: 'Slow' }))
    serveAt(suite.origin, clientId, async (_request, response) => {
      await opened
      response.writeHead(200, { 'content-type': 'application/json' }).end(document)
    })
    const pending = await run('resolve', clientId, '--subject', 'alice', '--wait-ms', '50')
    expect(pending).toMatchObject({ exitCode: 1, stderr: '' })
    expect(pending.stdout).toMatch(/^… pending: no answer within 50 ms\n {2}ticket/)
    open()
    const redirect = ['--redirect-uri', 'https://app.example.net/callback']
    const ready = await run('resolve', clientId, '--subject', 'alice', ...redirect)
    expect(ready).toMatchObject({ exitCode: 0, stderr: '' })
    expect(ready.stdout).toMatch(/^✓ ready: Slow\n/)
    expect(ready.stdout).toContain('https://app.example.net/callback: allowed, it is listed')
  })

  it('follows the ticket of a refresh to a fetch of its own', async () => {
    const clientId = publish(suite.origin)
    for (const args of [[], ['--refresh']]) {
      const { exitCode, stdout } = await run('resolve', clientId, '--subject', 'alice', '--json', ...args)
      expect(exitCode).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ status: 'ready', client_id: clientId })
    }
    expect(suite.origin.hits(clientId)).toBe(2)
  })

  it('tells why a client is refused', async () => {
    const clientId = publish(suite.origin, { client_secret: 'x' })
    const { exitCode, stdout } = await run('resolve', clientId, '--subject', 'alice')
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^✗ rejected: forbidden_member\n/)
    expect(stdout).toContain('Remove client_secret')
  })

  it('tells that a subject is needed, and that a key is unknown', async () => {
    const clientId = publish(suite.origin)
    expect((await run('resolve', clientId)).stdout).toContain('--subject NAME')
    const { exitCode, stdout } = await run('resolve', clientId, '--key', 'cimd_0_unknown')
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✗ request: unauthorized')
  })

  it('counts what has happened', async () => {
    await run('resolve', publish(suite.origin), '--subject', 'alice')
    await run('resolve', publish(suite.origin, { client_secret: 'x' }), '--subject', 'alice')
    const { exitCode, stdout } = await run('status', '--json')
    expect(exitCode).toBe(0)
    const { clients, versions, attempts_last_hour: attempts, queues } = JSON.parse(stdout)
    expect(clients.valid).toBeGreaterThanOrEqual(1)
    expect(versions).toBe(clients.valid)
    expect(attempts).toContainEqual({
      outcome: 'failed',
      failure_code: 'forbidden_member',
      count: expect.any(Number),
    })
    expect(Object.keys(queues)).toEqual(['fetch', 'refresh'])
  })
})

/** A database, empty or a copy of the migrated one, and the command on it; the queue lives in it too. */
async function openStore(template?: string) {
  const stack = new AsyncDisposableStack()
  const { url, drop } = await createDatabase(adminUrl(), template === undefined ? {} : { template })
  stack.defer(drop)
  const environment = { CIMD_DATABASE_URL: url, CIMD_QUEUE_URL: url }
  const run: Run = (...args) => cimd(args, { environment })
  return { url, run, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function migratedStore() {
  const store = await openStore(inject('template'))
  const db = openDb({ url: store.url, connectionsMax: 1, onError: () => {} })
  store.stack.defer(() => closeDb(db))
  return {
    ...store,
    authenticate: (key: string) => authenticate(db, key),
    moveClock: (seconds: number) => dangerouslySetClockOffset(db, seconds),
  }
}
