import { Readable } from 'node:stream'
import { runProgram } from '@cimd/cli/program'
import { findPseudonym, notePseudonym, withTenant } from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, setup } from './store-bundle.ts'

describeStore('cimd subject erase (ARC-10)', () => {
  it.each(['alice', 'alice\n', 'alice\r\n'])(
    'erases %j, which it reads from standard input',
    async (input) => {
      await using world = await open()
      const isKnown = async (tenant: string) =>
        (await withTenant(world.store.api, tenant, (trx) => findPseudonym(trx, 'alice'))) !== undefined
      for (const tenant of [world.store.tenant, world.store.otherTenant]) {
        await withTenant(world.store.api, tenant, (trx) => notePseudonym(trx, 'alice'))
      }
      expect(await world.run(input, 'first')).toEqual({
        ...{ exitCode: 0, stdout: 'The subject is erased.\n', stderr: '' },
      })
      expect([await isKnown(world.store.tenant), await isKnown(world.store.otherTenant)]).toEqual([
        false,
        true,
      ])
      const again = await world.run(input, 'first', '--json')
      expect(JSON.parse(again.stdout)).toEqual({ tenant: 'first', erased: false })
    },
  )

  it.each(['', '\n', 'alice\nbob\n', 'a'.repeat(257)])('refuses %j', async (input) => {
    await using world = await open()
    const { exitCode, stderr } = await world.run(input, 'first')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('give one subject')
  })

  it('knows no tenant that there is not', async () => {
    await using world = await open()
    const { exitCode, stderr } = await world.run('alice', 'nobody')
    expect([exitCode, stderr]).toEqual([
      1,
      'cimd: there is no tenant "nobody": cimd tenant list shows those there are\n',
    ])
  })
})

async function open() {
  const store = await setup()
  return {
    store,
    run: async (input: string, ...args: string[]) => {
      const written = { stdout: '', stderr: '' }
      const sink = (name: keyof typeof written) => ({
        write: (text: string) => {
          written[name] += text
        },
      })
      const exitCode = await runProgram(['subject', 'erase', ...args], {
        version: '0',
        findStandalone: () => undefined,
        fetch: async () => Promise.reject(new Error('nothing is asked')),
        fetchDocument: async () => Promise.reject(new Error('nothing is fetched')),
        monotonicMs: () => 0,
        sleep: async () => undefined,
        readInput: async () => Buffer.from(input),
        openInput: () => Readable.from([]),
        environment: { CIMD_DATABASE_URL: store.url },
        output: { stdout: sink('stdout'), stderr: sink('stderr'), isTerminal: false },
      })
      return { exitCode, ...written }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
