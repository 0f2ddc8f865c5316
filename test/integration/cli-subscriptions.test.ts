import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { runProgram } from '@cimd/cli/program'
import { expect, it } from 'vitest'
import { describeStore, identify, setup } from './store-bundle.ts'
import { tellSubscriptions } from './subscription-bundle.ts'

const HOOK = 'https://hooks.example.net/cimd'
const REFUSED = { outcome: { kind: 'answered', status: 500 }, answer: 'not now', random: 0 } as const

describeStore('cimd subscription', () => {
  it('makes, shows and lists a subscription; its secret stands alone on standard output', async () => {
    await using world = await open()
    const none = await world.run('subscription list')
    expect(none.stdout).toBe('No subscriptions. Make one: cimd subscription add --tenant first URL\n')
    const made = await world.run(
      ...['subscription add', 'https://Hooks.example.net/cimd', '--host', '*.example.com', 'a.example.net'],
      ...['--type', 'client.stale', '--change-class', 'keys'],
    )
    expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^whsec_[\w+/]{43}=\n$/) })
    expect(made.stderr).toContain('Keep it now: it is never shown again.')
    const id = /subscription ([\w-]{36}) is being verified/.exec(made.stderr)?.[1] ?? ''
    const shown = await world.run('subscription show', id)
    expect(shown.stdout).toMatch(new RegExp(`^ {2}id +${id}\n {2}url +${HOOK}\n {2}state +verifying since`))
    expect(shown.stdout).toMatch(/^ {2}types +client.stale\n {2}hosts +\*\.example\.com, a\.example\.net$/m)
    const listed = await world.run('subscription list')
    expect(listed.stdout).toMatch(new RegExp(`^${id} +verifying +0 +${HOOK}$`, 'm'))
    const { subscriptions } = JSON.parse((await world.run('subscription list', '--json')).stdout)
    expect(subscriptions).toMatchObject([{ id, hosts: ['*.example.com', 'a.example.net'], cursor: '0' }])
    expect(JSON.parse((await world.run('subscription show', id, '--json')).stdout)).toEqual(subscriptions[0])
  })

  it('disables, verifies, gives another secret and removes', async () => {
    await using world = await open()
    const id = await world.add()
    expect((await world.run('subscription disable', id)).stdout).toContain(
      `${id} is disabled; what comes waits.\n`,
    )
    const shown = JSON.parse((await world.run('subscription show', id, '--json')).stdout)
    expect(shown).toMatchObject({ state: 'disabled', disabled_code: 'by_request', types: null })
    const verifying = await world.run('subscription verify', id, '--json')
    expect(JSON.parse(verifying.stdout)).toMatchObject({ id, state: 'verifying', disabled_code: null })
    const rotated = await world.run('subscription rotate-secret', id)
    expect(rotated.stdout).toMatch(/^whsec_[\w+/]{43}=\n$/)
    expect(rotated.stderr).toMatch(/the one before signs as well until .* UTC:\n/)
    const again = JSON.parse((await world.run('subscription rotate-secret', id, '--json')).stdout)
    expect(again.secret).not.toBe(rotated.stdout.trim())
    expect((await world.run('subscription remove', id)).stdout).toContain(`${id} is removed`)
    expect(await world.run('subscription remove', id)).toMatchObject({
      exitCode: 1,
      stderr: `cimd: there is no subscription ${id}: cimd subscription list --tenant first\n`,
    })
  })

  it('knows no subscription of another tenant, and no tenant that there is not', async () => {
    await using world = await open()
    const id = await world.add()
    const commands = [
      ...['show', 'verify', 'disable', 'remove', 'rotate-secret'].map((name) => `subscription ${name} ${id}`),
      ...['list', 'replay --dead'].map((name) => `deliveries ${name} --subscription ${id}`),
    ]
    for (const command of commands) {
      const { exitCode, stdout, stderr } = await world.runAs('second', command)
      expect([exitCode, stdout]).toEqual([1, ''])
      expect(stderr).toBe(`cimd: there is no subscription ${id}: cimd subscription list --tenant second\n`)
    }
    const nobody = await world.runAs('nobody', 'subscription list')
    expect(nobody.stderr).toBe('cimd: there is no tenant "nobody": cimd tenant list shows those there are\n')
    expect(JSON.parse((await world.run('subscription show', id, '--json')).stdout).state).toBe('verifying')
  })
})

describeStore('cimd deliveries', () => {
  it('lists them page by page, and makes them again', async () => {
    await using world = await open()
    const id = await world.add()
    const of = ['--subscription', id]
    expect((await world.run('deliveries list', ...of)).stdout).toBe('No deliveries.\n')
    const clientIds = [identify(), identify(), identify()]
    for (const clientId of clientIds.slice(0, 2)) await world.store.fetch(clientId)
    await tellSubscriptions(world.store)
    for (const clientId of clientIds.slice(2)) await world.store.fetch(clientId)
    await tellSubscriptions(world.store, REFUSED)
    const listed = await world.run('deliveries list', ...of, '--limit', '2')
    expect(listed.stdout).toMatch(
      new RegExp(
        `^3 +waiting +1 +.* UTC +endpoint_status 500 +client.discovered +${clientIds[2]} +[\\w-]{36}$`,
        'm',
      ),
    )
    expect(listed.stdout).toMatch(/^older: --before 2$/m)
    const older = JSON.parse((await world.run('deliveries list', ...of, '--before', '2', '--json')).stdout)
    expect(older).toMatchObject({
      next: null,
      deliveries: [{ cursor: '1', state: 'delivered', status: 204 }],
    })
    const replay = async (...args: string[]) => (await world.run('deliveries replay', ...of, ...args)).stdout
    expect(await replay('--event', older.deliveries[0].event_id)).toBe('To be delivered again: 1 event.\n')
    expect(await replay('--after', '0', '--up-to', '2')).toBe('To be delivered again: 1 event.\n')
    expect(JSON.parse(await replay('--dead', '--json'))).toEqual({ subscription: id, deliveries: 0 })
    expect(await replay('--event', randomUUID())).toBe('To be delivered again: 0 events.\n')
    await tellSubscriptions(world.store)
    const delivered = await world.run('deliveries list', ...of, '--before', '3', '--json')
    expect(JSON.parse(delivered.stdout).deliveries).toMatchObject([
      { cursor: '2', state: 'delivered', attempts: 1 },
      { cursor: '1', state: 'delivered', attempts: 1 },
    ])
  })
})

const refuse = async () => Promise.reject(new Error('these commands need nothing but the database'))
const NOTHING_ELSE = {
  ...{
    version: '0',
    fetch: refuse,
    fetchDocument: refuse,
    readInput: refuse,
    openInput: () => Readable.from([]),
  },
  findStandalone: () => undefined,
  ...{ monotonicMs: () => 0, sleep: async () => undefined },
}

/** A store with the tenants `first` and `second`, and the command on it. */
async function open() {
  const store = await setup()
  const runAs = async (tenant: string, command: string, ...args: string[]) => {
    const written = { stdout: '', stderr: '' }
    const sink = (name: keyof typeof written) => ({
      write: (text: string) => {
        written[name] += text
      },
    })
    const exitCode = await runProgram([...command.split(' '), '--tenant', tenant, ...args], {
      ...NOTHING_ELSE,
      environment: { CIMD_DATABASE_URL: store.url },
      output: { stdout: sink('stdout'), stderr: sink('stderr'), isTerminal: false },
    })
    return { exitCode, ...written }
  }
  const run = (command: string, ...args: string[]) => runAs('first', command, ...args)
  return {
    store,
    run,
    runAs,
    add: async (): Promise<string> =>
      JSON.parse((await run('subscription add', HOOK, '--json')).stdout).subscription.id,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
