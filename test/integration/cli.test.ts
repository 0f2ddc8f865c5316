import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { RULES_VERSION } from '@cimd/core'
import { authenticate, closeDb, dangerouslySetClockOffset, openDb, SCHEMA_VERSION } from '@cimd/store'
import { sql } from 'kysely'
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
      stderr: 'cimd: there is no tenant "nobody": cimd tenant list shows those there are\n',
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
        ...{ policy_version: 0, report_policy_version: null, stale_limits: {}, quotas: {} },
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
    expect(listed.stdout).toMatch(new RegExp(`^${prefix} +resolve,events +.* never +no +never$`, 'm'))
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
    expect(tenant.stderr).toBe('cimd: there is no tenant "nobody": cimd tenant list shows those there are\n')
    const key = await store.run('key', 'revoke', '0123456789ab')
    expect(key).toMatchObject({ exitCode: 1, stdout: '' })
    expect(key.stderr).toBe(
      'cimd: there is no key with the prefix 0123456789ab: cimd key list shows those of a tenant\n',
    )
  })

  it('shows, engages and releases the brake', async () => {
    await using store = await migratedStore()
    expect((await store.run('brake')).stdout).toMatch(/^ {2}brake +not engaged\n/)
    expect(await store.run('brake', 'release')).toMatchObject({
      exitCode: 1,
      stderr: 'cimd: the brake is not engaged\n',
    })
    const engaged = await store.run('brake', 'engage', '--reason', 'a gateway fails', '--json')
    expect(JSON.parse(engaged.stdout)).toEqual({ engaged: true, reason: 'a gateway fails' })
    expect((await store.run('brake', 'engage', '--reason', 'again')).exitCode).toBe(1)
    const shown = await store.run('brake')
    expect(shown.stdout).toMatch(/^ {2}brake +engaged since .* UTC\n {2}reason +a gateway fails\n/)
    expect(shown.stdout).toMatch(
      /^ {2}ending +0 clients in use, by what was found since .* UTC\n {2}held +0 clients of these\n/m,
    )
    expect(shown.stdout).toContain('cimd brake release --accept\n')
    const accepted = await store.run('brake', 'release', '--accept', '--json')
    expect(JSON.parse(accepted.stdout)).toEqual({ released: true, accepted: true, clients: 0 })
    expect(JSON.parse((await store.run('brake', '--json')).stdout)).toMatchObject({
      engaged: false,
      reason: null,
      disarmed_until: expect.stringMatching(/Z$/),
      ...{ clients_in_use: 0, clients_ending: 0, clients_held: 0, first_hold_ends_at: null },
      ...{ found: [], clients: [] },
    })
    await store.run('brake', 'engage', '--reason', 'once more')
    expect((await store.run('brake', 'release')).stdout).toContain(
      'Released. What was found about 0 clients counts',
    )
  })

  it('says until when the brake holds whom it holds', async () => {
    await using store = await migratedStore()
    await store.storeUnder(RULES_VERSION, ['none', 'none'])
    await store.takeDown()
    await store.run('brake', 'engage', '--reason', 'a gateway fails')
    await store.moveClock(2 * 60 * 60)
    const told = JSON.parse((await store.run('brake', '--json')).stdout)
    expect(told).toMatchObject({ clients_in_use: 2, clients_ending: 2, clients_held: 2 })
    const until = told.first_hold_ends_at.slice(0, 19).replace('T', ' ')
    const { stdout } = await store.run('brake')
    expect(stdout).toMatch(/^ {2}ending +2 clients in use, by what was found since .* UTC$/m)
    expect(stdout).toContain(`2 clients of these, a day at most: the first until ${until} UTC\n`)
  })

  it('names whom the brake holds, and what was found, as many as it is asked for', async () => {
    await using store = await migratedStore()
    await store.storeUnder(RULES_VERSION, ['none', 'none', 'none'])
    await store.takeDown()
    const { stdout } = await store.run('brake', '--limit', '2')
    expect(stdout).toMatch(/^status_404 +3 +1$/m)
    expect(stdout).toMatch(/^https:\/\/0\.example\.net\/client\.json +status_404 +.* UTC +yes$/m)
    expect(stdout).toMatch(
      /^https:\/\/1\.example\.net\/client\.json +status_404 +.* UTC +yes\nand 1 more: --limit tells more$/m,
    )
    const { clients } = JSON.parse((await store.run('brake', '--json')).stdout)
    expect(clients).toHaveLength(3)
    expect(clients[2]).toEqual({
      ...{ client_id: 'https://2.example.net/client.json', code: 'status_404', in_use: true },
      since: expect.stringMatching(/Z$/),
    })
  })

  it('tells what new rules would change, and approves only what was seen (CAC-12)', async () => {
    await using store = await migratedStore()
    expect((await store.run('revalidate', '--dry-run')).stdout).toContain('These rules are approved.\n')
    await store.storeUnder(RULES_VERSION - 1, ['none', 'client_secret_basic'])
    const dry = await store.run('revalidate', '--dry-run')
    expect(dry.exitCode).toBe(0)
    expect(dry.stdout).toMatch(/^ {2}checked +2 documents, 2 of them judged by older rules so far$/m)
    expect(dry.stdout).toMatch(/^ {2}refused +1 client, 1 of them in use$/m)
    expect(dry.stdout).toMatch(/^symmetric_method +1 +1$/m)
    expect(dry.stdout).toMatch(/^https:\/\/1\.example\.net\/client\.json +symmetric_method +yes$/m)
    expect(dry.stdout).toMatch(/^To approve them: cimd revalidate --approve --refusing 1$/m)

    const unseen = await store.run('revalidate', '--approve')
    expect([unseen.exitCode, unseen.stderr]).toEqual([1, ''])
    expect(unseen.stdout).toContain('Not approved, because 1 client would be refused.')
    const before = await store.run('revalidate', '--dry-run', '--json', '--limit', '0')
    expect(JSON.parse(before.stdout)).toEqual({
      ...{ rules_version: RULES_VERSION, rules_approved: RULES_VERSION - 1, approved: false },
      ...{ checked: 2, older: 2, refused: 1, refused_in_use: 1, warned: 0, warned_in_use: 0 },
      refusals: [{ code: 'symmetric_method', clients: 1, in_use: 1 }],
      ...{ warnings: [], clients: [] },
    })

    const approved = await store.run('revalidate', '--approve', '--refusing', '1')
    expect(approved.exitCode).toBe(0)
    expect(approved.stdout).toContain('Approved. ')
    const again = await store.run('revalidate', '--approve', '--json')
    expect(again.exitCode).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({
      rules_approved: RULES_VERSION,
      approved: true,
      refused: 1,
    })
  })

  it('chooses canaries', async () => {
    await using store = await migratedStore()
    const url = 'https://canary.example.net/client.json'
    expect((await store.run('brake', 'canary', 'list')).stdout).toContain('There are no canaries')
    expect((await store.run('brake', 'canary', 'add', url)).stdout).toContain('is a canary now')
    const again = await store.run('brake', 'canary', 'add', url, '--json')
    expect(JSON.parse(again.stdout)).toEqual({ client_id: url, added: false })
    expect((await store.run('brake', 'canary', 'list')).stdout).toMatch(
      new RegExp(`^${url} +discovering +never$`, 'm'),
    )
    expect((await store.run('brake', 'canary', 'remove', url)).exitCode).toBe(0)
    expect((await store.run('brake', 'canary', 'remove', url)).stderr).toContain('is no canary')
  })

  it('chooses how long a tenant uses what cannot be confirmed', async () => {
    await using store = await migratedStore()
    await store.run('tenant', 'create', 'first')
    const limits = async (...args: string[]) =>
      JSON.parse((await store.run('tenant', 'stale-limits', 'first', ...args, '--json')).stdout).stale_limits
    expect(await limits()).toEqual({})
    expect(await limits('--unreachable', '3600')).toEqual({ unreachable: 3600 })
    expect(await limits('--withdrawn', '0')).toEqual({ unreachable: 3600, withdrawn: 0 })
    expect((await store.run('tenant', 'stale-limits', 'first')).stdout).toContain('unreachable  60 min\n')
    expect(await limits('--none')).toEqual({})
    const nobody = await store.run('tenant', 'stale-limits', 'nobody')
    expect(nobody.stderr).toBe('cimd: there is no tenant "nobody": cimd tenant list shows those there are\n')
  })

  it('POL-01: puts a policy in force, shows it and its history, and says what a candidate would change', async () => {
    await using store = await migratedStore()
    await store.run('tenant', 'create', 'first')
    const put = (policy: object, ...args: string[]) =>
      store.runWith(JSON.stringify(policy), 'policy', 'put', 'first', '-', ...args)
    expect((await store.run('policy', 'show', 'first')).stdout).toBe(
      'The tenant "first" has written no policy.\n',
    )
    const wrong = await put({ mode: 'closed' })
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('cimd: /mode is none of') })
    expect((await put({ text_plain: 'allow' })).stdout).toBe('Version 1 is in force for "first".\n')
    expect(await put({}, '--if-version', '0')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('version 1 is in force'),
    })
    expect(JSON.parse((await store.run('policy', 'show', 'first', '--json')).stdout)).toMatchObject({
      ...{ version: 1, created_by: 'cimd' },
      policy: { text_plain: 'allow' },
    })
    expect((await store.run('policy', 'show', 'first')).stdout).toContain('\n  "text_plain": "allow",\n')
    expect(await store.runWith('{"mode": ', 'policy', 'put', 'first', '-')).toMatchObject({
      ...{ exitCode: 2, stdout: '' },
      stderr: expect.stringContaining('cimd: standard input is not JSON: '),
    })
    expect((await store.run('policy', 'history', 'first')).stdout).toMatch(/^1 /m)
    expect((await store.run('policy', 'report-only', 'first')).stdout).toMatch(/^Nothing is reported: /)
    const dry = await store.runWith('{}', 'policy', 'dry-run', 'first', '-', '--json')
    expect(JSON.parse(dry.stdout)).toMatchObject({ summary: { clients: 0 } })
    const profile = await store.run('tenant', 'profile', 'first', 'atproto')
    expect(profile.stderr).toContain('the policy of "first" says which profile counts')
    const limits = await store.run('tenant', 'stale-limits', 'first', '--withdrawn', '0')
    expect(limits.stderr).toContain('the policy of "first" says its limits')
  })

  it('POL-03: registers a client before it comes, and lists what waits for a review', async () => {
    await using store = await migratedStore()
    await store.run('tenant', 'create', 'first')
    const url = 'https://app.example.net/client.json'
    const added = await store.run('registration', 'add', 'first', url, '--mode', 'frozen')
    expect(added.stderr).toBe('')
    expect(added.stdout).toBe(`Registered for "first" (frozen): ${url}\n`)
    const listed = await store.run('registration', 'list', 'first', '--json')
    expect(JSON.parse(listed.stdout)).toEqual({
      registrations: [{ client_id: url, mode: 'frozen', created_at: expect.any(String), created_by: 'cimd' }],
    })
    expect((await store.run('review', 'list', 'first')).stdout).toBe('Nothing waits for a review.\n')
    const refused = await store.run('review', 'refuse', 'first', url, '--reason', 'Not a partner.')
    expect(refused.stdout).toBe(`Refused for "first": ${url}\n`)
    const approved = await store.run('review', 'approve', 'first', url, '--digest', 'ab'.repeat(32))
    expect(approved.stderr).toBe('cimd: there is no such version of this client\n')
    expect((await store.run('registration', 'remove', 'first', url)).exitCode).toBe(0)
    expect((await store.run('registration', 'remove', 'first', url)).exitCode).toBe(1)
  })

  it('chooses the quotas of a tenant, and refuses what bounds nothing', async () => {
    await using store = await migratedStore()
    await store.run('tenant', 'create', 'first')
    const quotas = async (...args: string[]) =>
      JSON.parse((await store.run('tenant', 'quotas', 'first', ...args, '--json')).stdout).quotas
    expect(await quotas()).toEqual({})
    expect(await quotas('--set', 'clients=7', 'contacts_per_hour=0')).toEqual({
      clients: 7,
      contacts_per_hour: 0,
    })
    expect(await quotas('--set', 'clients=8')).toEqual({ clients: 8, contacts_per_hour: 0 })
    expect((await store.run('tenant', 'quotas', 'first')).stdout).toContain('clients            8\n')
    const shown = await store.run('tenant', 'show', 'first')
    expect(shown.stdout).toMatch(/^ {2}quotas +clients 8, contacts_per_hour 0$/m)
    for (const wrong of ['client=1', 'clients=-1', 'clients', 'resolves_per_second=0']) {
      const refused = await store.run('tenant', 'quotas', 'first', '--set', wrong)
      expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
    }
    expect(await quotas('--clear')).toEqual({})
    const nobody = await store.run('tenant', 'quotas', 'nobody')
    expect(nobody.stderr).toBe('cimd: there is no tenant "nobody": cimd tenant list shows those there are\n')
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
      audit_waiting: 0,
      brake: null,
      queues: { fetch: none, refresh: none, deliver: none },
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

  it('shows a client with its history, page by page', async () => {
    const clientId = publish(suite.origin)
    const unknown = await run('client', 'show', clientId)
    expect(unknown).toMatchObject({ exitCode: 1, stderr: '' })
    expect(unknown.stdout).toMatch(/^✗ request: client_unknown\n/)
    await run('resolve', clientId, '--subject', 'alice')
    const shown = await run('client', 'show', clientId, '--limit', '1')
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' })
    expect(shown.stdout).toMatch(/^fresh: The newest attempt found a valid document. It may be used.\n/)
    expect(shown.stdout).toMatch(/UTC {2}\* client.discovered: [0-9a-f]{12}…\n {2}older: --before (\S+)\n$/)
    const cursor = /--before (\S+)/.exec(shown.stdout)?.[1] ?? ''
    const older = await run('client', 'show', clientId, '--before', cursor, '--json')
    expect(JSON.parse(older.stdout)).toMatchObject({
      state: 'fresh',
      history: [{ kind: 'attempt', outcome: 'fetched' }],
    })
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
    expect(Object.keys(queues)).toEqual(['fetch', 'refresh', 'deliver'])
  })
})

/** A database, empty or a copy of the migrated one, and the command on it; the queue lives in it too. */
async function openStore(template?: string) {
  const stack = new AsyncDisposableStack()
  const { url, drop } = await createDatabase(adminUrl(), template === undefined ? {} : { template })
  stack.defer(drop)
  const environment = { CIMD_DATABASE_URL: url, CIMD_QUEUE_URL: url }
  const run: Run = (...args) => cimd(args, { environment })
  const runWith = (input: string, ...args: readonly string[]) => cimd(args, { environment, input })
  return { url, run, runWith, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function migratedStore() {
  const store = await openStore(inject('template'))
  const db = openDb({ url: store.url, connectionsMax: 1, onError: () => {} })
  store.stack.defer(() => closeDb(db))
  return {
    ...store,
    authenticate: (key: string) => authenticate(db, key),
    moveClock: (seconds: number) => dangerouslySetClockOffset(db, seconds),
    /** Has every document found to be gone. */
    takeDown: async () => {
      await sql`
        update cimd.clients set state = 'failing', failure_code = 'status_404', withdrawing_code = 'status_404',
          failing_since = t.now, withdrawing_since = t.now, usable_until = t.now + interval '15 minutes'
        from (select cimd.cimd_now() as now) as t`.execute(db)
    },
    /** Stores clients in use with these methods under rules, which are then those that are approved. */
    storeUnder: async (rulesVersion: number, methods: readonly string[]) => {
      for (const [place, method] of methods.entries()) {
        const clientId = `https://${place}.example.net/client.json`
        const body = JSON.stringify(documentOf(clientId, { token_endpoint_auth_method: method }))
        await sql`
          with client as (
            insert into cimd.clients (client_id, host) values (${clientId}, 'example.net') returning id, client_id
          ), due as (
            insert into cimd.schedule (client_ref, due_at) select id, cimd.cimd_now() from client
          )
          insert into cimd.versions (client_id, body, digest, content_type, rules_version, fetched_at)
          select client_id, convert_to(${body}, 'UTF8'), sha256(convert_to(${body}, 'UTF8')), 'application/json',
            ${rulesVersion}, cimd.cimd_now() from client`.execute(db)
      }
      await sql`update cimd.clients c set state = 'valid', version_id = v.id,
          validated_at = v.fetched_at, fresh_until = v.fetched_at, revalidate_until = v.fetched_at, usable_until = v.fetched_at
        from cimd.versions v where v.client_id = c.client_id`.execute(db)
      await sql`update cimd.deployment set rules_version = ${rulesVersion}`.execute(db)
    },
  }
}
