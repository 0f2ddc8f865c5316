import { Readable } from 'node:stream'
import { runProgram } from '@cimd/cli/program'
import { noteEra, observeDomain, withTenant } from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, identify, setup } from './store-bundle.ts'

const NOTHING_ELSE: Omit<Parameters<typeof runProgram>[1], 'environment' | 'output'> = {
  version: '0',
  findStandalone: () => undefined,
  fetch,
  fetchDocument: () => Promise.reject(new Error('nothing is fetched here')),
  readInput: () => Promise.reject(new Error('nothing is read here')),
  openInput: () => Readable.from([]),
  monotonicMs: () => 0,
  sleep: async () => {},
}

/** A domain that has changed hands, a client of which the first tenant uses. */
async function open() {
  const store = await setup()
  const { client } = await store.demand(identify('https://app.lapsed-cli.com/client.json'))
  const see = (seenAt: string, signals: object, isKnown: boolean) =>
    observeDomain(store.fetcher, {
      ...{ domain: 'lapsed-cli.com', client, isKnown, nameServersAskedAt: undefined },
      observation: { seenAt: new Date(seenAt), documentsChanged: false, ...signals },
    })
  await see('2026-01-01T00:00:00Z', { nameServers: ['ns.old.example'], certificateIssuer: 'Old' }, false)
  const noted = { domain: 'lapsed-cli.com', acceptedEra: 1 }
  await withTenant(store.api, store.tenant, (trx) => noteEra(trx, noted))
  await see('2026-03-01T00:00:00Z', { nameServers: ['ns.new.example'], certificateIssuer: 'New' }, true)
  const run = async (...args: readonly string[]) => {
    const written = { stdout: '', stderr: '' }
    const sink = (name: keyof typeof written) => ({
      write: (text: string) => {
        written[name] += text
      },
    })
    const exitCode = await runProgram(['domain', ...args], {
      ...NOTHING_ELSE,
      environment: { CIMD_DATABASE_URL: store.url },
      output: { stdout: sink('stdout'), stderr: sink('stderr'), isTerminal: false },
    })
    return { exitCode, ...written }
  }
  return { run, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

describeStore('cimd domain (CHG-05)', () => {
  it('shows what is remembered of a domain, and which of its owners tenants trust', async () => {
    await using world = await open()
    const { exitCode, stdout } = await world.run('show', 'App.lapsed-cli.com')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^lapsed-cli\.com\n {2}era +2, since 2026-03-01 00:00:00 UTC\n/)
    expect(stdout).toMatch(/^ {2}name servers +ns\.new\.example\n {2}issuer +New$/m)
    expect(stdout).toMatch(/^first +1, not the present one$/m)
    const { stdout: json } = await world.run('show', 'lapsed-cli.com', '--json')
    expect(JSON.parse(json)).toMatchObject({
      ...{ domain: 'lapsed-cli.com', era: 2, changedAt: '2026-03-01T00:00:00.000Z' },
      tenants: [{ tenant: 'first', era: 1 }],
    })
    expect(await world.run('show', 'never-seen.com')).toEqual({
      ...{ exitCode: 1, stdout: '', stderr: 'cimd: nothing of never-seen.com was ever valid\n' },
    })
  })

  it('accepts the present owner for a tenant that uses a client of the domain', async () => {
    await using world = await open()
    const accept = (tenant: string, ...more: string[]) =>
      world.run('accept', 'app.lapsed-cli.com', '--tenant', tenant, ...more)
    expect(await accept('first', '--era', '1')).toMatchObject({
      ...{ exitCode: 1, stderr: 'cimd: lapsed-cli.com is in era 2: look once more\n' },
    })
    expect(await accept('second')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('uses no client of lapsed-cli.com'),
    })
    expect(await accept('nobody')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('there is no tenant'),
    })
    expect(await accept('first', '--era', '2')).toMatchObject({
      ...{ exitCode: 0, stdout: '"first" trusts whoever has lapsed-cli.com now (era 2).\n' },
    })
    expect((await world.run('show', 'lapsed-cli.com')).stdout).toMatch(/^first +2$/m)
    expect(JSON.parse((await accept('first', '--json')).stdout)).toEqual({
      ...{ tenant: 'first', domain: 'lapsed-cli.com', era: 2 },
    })
  })
})
