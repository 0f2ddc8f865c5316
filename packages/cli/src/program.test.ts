import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { type ProgramDeps, runProgram } from './program.ts'

const COMMANDS = [
  'resolve',
  'check',
  'status',
  'migrate',
  'tenant create',
  'tenant list',
  'key create',
  'key list',
  'key revoke',
]

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

  it('is what no command at all gets, as an error', async () => {
    for (const line of ['', 'tenant', 'key']) {
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
    ['tenant create \u001b[2J', 'visible characters'],
    ['resolve https://a.example.net/c', 'CIMD_API_KEY: it is not set'],
    ['resolve https://a.example.net/c --key k --api ftp://x', '--api: must be a URL'],
    ['tenant list', 'CIMD_DATABASE_URL: it is not set'],
    ['key revoke nonsense', 'a prefix is the 12 characters'],
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
