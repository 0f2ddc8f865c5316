import { Readable } from 'node:stream'
import { runProgram } from '@cimd/cli/program'
import { authenticate, authenticateOperator } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

describeStore('cimd key and cimd operator-key', () => {
  it('make another key in the place of one, which works until the overlap is over', async () => {
    await using store = await setup()
    const cimd = commandOn(store)
    const old = (await cimd('key create first')).stdout.trim()
    const rotated = await cimd(`key rotate ${old} --overlap 3600`)
    expect(rotated.stderr).toContain('A new key of the tenant "first"; the one before works until ')
    const key = rotated.stdout.trim()
    expect(await authenticate(store.api, key)).toMatchObject({ scopes: ['resolve', 'events'] })
    expect((await cimd(`key rotate ${old}`)).stderr).toMatch(/was replaced by [0-9a-f]{12} before\n$/)
    expect(await authenticate(store.api, old)).toBeDefined()
    await store.moveClock(3600)
    expect(await authenticate(store.api, old)).toBeUndefined()
    expect((await cimd(`key rotate ${old}`)).stderr).toMatch(/is revoked or has expired\n$/)
    expect((await cimd('key rotate 0123456789ab')).stderr).toContain('there is no key with the prefix')
  })

  it('make, list, rotate and revoke the keys of operators', async () => {
    await using store = await setup()
    const cimd = commandOn(store)
    expect((await cimd('operator-key list')).stdout).toBe('No keys. Make one: cimd operator-key create\n')
    const old = (await cimd('operator-key create --expires-days 90')).stdout.trim()
    expect(old).toMatch(/^cimdop_[0-9a-f]{12}_[\w-]{43}$/)
    const key = (await cimd(`operator-key rotate ${old} --overlap 0`)).stdout.trim()
    expect(await authenticateOperator(store.api, old)).toBeUndefined()
    expect(await authenticateOperator(store.api, key)).toBe(key.split('_')[1])
    const { keys } = JSON.parse((await cimd('operator-key list --json')).stdout)
    expect(keys).toHaveLength(2)
    expect(keys).toContainEqual(expect.objectContaining({ replaced_by: key.split('_')[1], revoked_at: null }))
    expect((await cimd(`operator-key revoke ${key}`)).stdout).toContain('is revoked since')
    expect(await authenticateOperator(store.api, key)).toBeUndefined()
  })
})

describeStore('cimd tenant', () => {
  it('shows a tenant, and removes it once its name is said twice', async () => {
    await using store = await setup()
    const cimd = commandOn(store)
    const key = (await cimd('key create first')).stdout.trim()
    expect((await cimd('tenant show first')).stdout).toMatch(
      /^ {2}name +first\n {2}profile +cimd-02\n {2}policy +none\n/,
    )
    const wrong = await cimd('tenant remove first --yes-delete-everything-of second')
    expect([wrong.exitCode, wrong.stdout]).toEqual([2, ''])
    const removed = await cimd('tenant remove first --yes-delete-everything-of first')
    expect(removed.stdout).toBe('Removed the tenant "first" with everything that was only its own.\n')
    expect(await authenticate(store.api, key)).toBeUndefined()
    expect(await cimd('tenant show first')).toMatchObject({
      exitCode: 1,
      stderr: 'cimd: there is no tenant "first": cimd tenant list shows those there are\n',
    })
  })
})

describeStore('cimd with a login that is no member of cimd_operator', () => {
  it('says what is missing', async () => {
    await using store = await setup()
    const { url } = store
    const login = new URL(url)
    login.username = `stranger_${process.pid}`
    await makeLogin(store, login.username)
    try {
      const { exitCode, stderr } = await commandOn({ url: login.href })('tenant list')
      expect(exitCode).toBe(1)
      expect(stderr).toContain('grant the role to the user who logs in')
    } finally {
      await dropLogin(store, login.username)
    }
  })
})

const refuse = async () => Promise.reject(new Error('these commands need nothing but the database'))

/** The command in this process. */
function commandOn({ url }: Pick<TestStore, 'url'>) {
  return async (line: string) => {
    const written = { stdout: '', stderr: '' }
    const sink = (name: keyof typeof written) => ({
      write: (text: string) => {
        written[name] += text
      },
    })
    const exitCode = await runProgram(line.split(' '), {
      ...{
        version: '0',
        fetch: refuse,
        fetchDocument: refuse,
        readInput: refuse,
        openInput: () => Readable.from([]),
      },
      ...{ findStandalone: () => undefined, monotonicMs: () => 0, sleep: async () => undefined },
      environment: { CIMD_DATABASE_URL: url },
      output: { stdout: sink('stdout'), stderr: sink('stderr'), isTerminal: false },
    })
    return { exitCode, ...written }
  }
}

async function makeLogin({ owner }: TestStore, name: string): Promise<void> {
  await sql`create role ${sql.ref(name)} login`.execute(owner)
}

async function dropLogin({ owner }: TestStore, name: string): Promise<void> {
  await sql`drop role ${sql.ref(name)}`.execute(owner)
}
