import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { type ProgramDeps, runProgram } from './program.ts'

const COMMANDS = [
  'resolve',
  'check',
  'status',
  'subject erase',
  'migrate',
  'brake',
  'brake release',
  'brake engage',
  'brake canary add',
  'brake canary remove',
  'brake canary list',
  'client show',
  'client release',
  'revalidate',
  'tenant create',
  'tenant list',
  'tenant show',
  'tenant remove',
  'tenant profile',
  'tenant quotas',
  'tenant stale-limits',
  'key create',
  'key list',
  'key rotate',
  'key revoke',
  'operator-key create',
  'operator-key list',
  'operator-key rotate',
  'operator-key revoke',
  'domain show',
  'domain accept',
  'policy show',
  'policy history',
  'policy put',
  'policy dry-run',
  'policy report-only',
  'review list',
  'review approve',
  'review refuse',
  'registration add',
  'registration list',
  'registration remove',
  'audit show',
  'audit verify',
  'audit cut',
  'subscription add',
  'subscription list',
  'subscription show',
  'subscription rotate-secret',
  'subscription verify',
  'subscription disable',
  'subscription remove',
  'deliveries list',
  'deliveries replay',
]

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const HOOK = 'https://hooks.example.com/'
const ID = '5b0e0c5e-3f0c-4c39-9d3e-2f9a4d0a6a11'

async function cimd(line: string, given: Partial<ProgramDeps> = {}) {
  const { output, stdout, stderr } = captureOutput()
  const exitCode = await runProgram(line.split(' ').filter(Boolean), {
    version: '1.2.3',
    environment: {},
    output,
    findStandalone: () => undefined,
    fetch: async () =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })),
    fetchDocument: async () => Promise.reject(new Error('nothing may be fetched')),
    readInput: async () => new TextEncoder().encode('{}'),
    openInput: () => Readable.from([]),
    monotonicMs: () => 0,
    sleep: async () => undefined,
    ...given,
  })
  return { exitCode, stdout: stdout(), stderr: stderr() }
}

describe('help', () => {
  it.each(COMMANDS)('of %s has examples and the exit codes', async (command) => {
    const { exitCode, stdout, stderr } = await cimd(`${command} --help`)
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toContain('--json')
    expect(stdout).toMatch(new RegExp(`^Examples:\n( {2}\\$ .*cimd ${command}.*\n)+`, 'm'))
    expect(stdout).toContain('Exit code: 0 fine; 1 ')
  })

  it('lists every command', async () => {
    const { exitCode, stdout } = await cimd('--help')
    expect(exitCode).toBe(0)
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command.split(' ')[0]} `)
  })

  it.each(COMMANDS)('README.md has %s', (command) => {
    const [name = '', below] = command.split(' ')
    const row = README.split('\n').find((line) => line.startsWith(`| \`cimd ${name}`)) ?? ''
    expect(row).toMatch(new RegExp(`\\bcimd ${name}\\b`))
    if (below !== undefined) expect(row).toMatch(new RegExp(`[ |[]${below}\\b`))
  })

  it('is what no command at all gets, as an error', async () => {
    for (const line of ['', 'tenant', 'key', 'brake canary']) {
      const { exitCode, stdout, stderr } = await cimd(line)
      expect([exitCode, stdout]).toEqual([2, ''])
      expect(stderr).toContain('Usage: cimd')
    }
  })

  it('tells the version', async () => {
    expect(await cimd('--version')).toEqual({ exitCode: 0, stdout: '1.2.3\n', stderr: '' })
  })
})

describe('wrong usage ends with 2 and says why', () => {
  it.each([
    ['resolv https://a.example.net/c', 'Did you mean resolve?'],
    ['check --jsn x', 'Did you mean --json?'],
    ['check', "missing required argument 'url|file'"],
    ['check a b --client-id https://a.example.net/c', '--client-id is for one FILE'],
    ['check a --profile mcp', 'Allowed choices are cimd-02, mcp-2026-07-28, atproto'],
    ['conformance', "required option '--vectors <dir>' not specified"],
    ['check https://a.example.net/c --client-id https://a.example.net/c', '--client-id is for a FILE'],
    ['resolve https://a.example.net/c --purpose login', 'Allowed choices are authorize, par, token, revoke'],
    ['resolve https://a.example.net/c --wait-ms -1', 'whole number'],
    ['resolve https://a.example.net/c --wait-ms 1e3', 'whole number'],
    ['key create t --scope everything', 'Allowed choices are'],
    ['key create t --expires-days 0', 'from 1 to 36500'],
    ['brake engage', "required option '--reason <text>' not specified"],
    ['brake canary add http://canary.example.net/c', 'cannot be a client_id (url_scheme)'],
    ['revalidate', 'say --dry-run or --approve'],
    ['revalidate --approve --dry-run', 'cannot be used with'],
    ['revalidate --approve --refusing some', 'whole number'],
    ['tenant stale-limits t --withdrawn soon', 'whole number'],
    ['tenant stale-limits t --none --withdrawn 0', '--none goes with no limit'],
    ['tenant create \u001b[2J', 'visible characters'],
    ['resolve https://a.example.net/c', 'CIMD_API_KEY: it is not set'],
    ['resolve https://a.example.net/c --key k --api ftp://x', '--api: must be a URL'],
    ['tenant list', 'CIMD_DATABASE_URL: it is not set'],
    ['tenant remove t', "required option '--yes-delete-everything-of <tenant>' not specified"],
    ['tenant remove t --yes-delete-everything-of s', '"s" is not the name of the tenant, "t"'],
    ['key rotate 0123456789ab --overlap 2592001', 'at most 2592000'],
    ['key revoke nonsense', 'a prefix is the 12 characters after cimd_ of a key'],
    ['key revoke cimdop_0123456789ab_secret', 'is the key of an operator: cimd operator-key'],
    ['operator-key revoke cimd_0123456789ab_secret', 'is the key of a tenant: cimd key'],
    ['policy report-only t p.json --none', '--none goes with no file'],
    ['review approve t https://a.example.net/c --digest ad7a4df85707', 'the whole digest, 64 hex digits'],
    ['audit show t --from 2026-12-01 --to 2026-11-01', '--to is not after --from'],
    ['audit show t --after x', 'a place in the chain'],
    ['audit show t --subject alice', 'goes with --subject-file'],
    ['subscription list', "required option '--tenant <name>' not specified"],
    ['subscription show --tenant t 1', 'It must be a UUID'],
    ['subscription add --tenant t http://hooks.example.com/', 'events cannot be sent to http:'],
    [`subscription add --tenant t ${HOOK} --type client.moved`, 'Allowed choices are client.discovered'],
    [`subscription add --tenant t ${HOOK} --change-class big`, 'Allowed choices are widening'],
    [`subscription add --tenant t ${HOOK} --host A.example.com`, 'hosts 0: must be a host name in lower'],
    [`subscription add --tenant t ${HOOK} --after now`, 'cursor of the feed'],
    [`subscription rotate-secret --tenant t ${ID} --overlap-seconds 604801`, 'at most 604800'],
    ['deliveries list --tenant t', "required option '--subscription <id>' not specified"],
    [`deliveries list --tenant t --subscription ${ID} --state lost`, 'Allowed choices are waiting'],
    [`deliveries replay --tenant t --subscription ${ID}`, 'say one of --event, --dead and --after'],
    [`deliveries replay --tenant t --subscription ${ID} --dead --after 1`, 'say one of --event'],
    [`deliveries replay --tenant t --subscription ${ID} --dead --up-to 1`, '--up-to goes with --after'],
  ])('%j', async (line, expected) => {
    const { exitCode, stdout, stderr } = await cimd(line)
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain(expected)
    expect(stderr).toMatch(/^cimd: /)
  })

  it('names every variable that is missing at once', async () => {
    const { exitCode, stderr } = await cimd('migrate', { environment: { CIMD_ENV: 'prod' } })
    expect(exitCode).toBe(2)
    for (const name of ['CIMD_DATABASE_URL', 'CIMD_QUEUE_URL', 'CIMD_ENV'])
      expect(stderr).toContain(`  ${name}: `)
  })
})

describe('a command', () => {
  it('that says no ends with 1', async () => {
    const { exitCode, stdout } = await cimd('check file.json')
    expect(exitCode).toBe(1)
    expect(stdout).toContain('refused (client_id_missing)')
  })

  it('that cannot reach the api ends with 1 and one line', async () => {
    const { exitCode, stdout, stderr } = await cimd('resolve https://a.example.net/c --key k')
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'cimd: the api at http://127.0.0.1:8080 (CIMD_API_URL is not set) cannot be used: fetch failed: connect ECONNREFUSED\n',
    )
  })
})
