import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { expect, it } from 'vitest'
import { preparedPool, SENT_AHEAD } from './prepared-pool.ts'

/** A pool whose one client notes what it is asked, and how it is released. */
function setup(failure?: Error) {
  const asked: unknown[] = []
  const released: unknown[] = []
  const client = Object.assign(new EventEmitter(), {
    query: async (what: unknown) => {
      asked.push(what)
      if (failure !== undefined) throw failure
    },
    release: (destroy: unknown) => released.push(destroy),
  })
  const pool = { options: {}, connect: async () => client, end: async () => undefined }
  // As much of a pool as is used.
  return { asked, released, client, pool: preparedPool(pool as unknown as pg.Pool) }
}

it('gives the same text the same name on every connection, and another text another', async () => {
  const { asked, pool } = setup()
  const first = await pool.connect()
  const second = await pool.connect()
  await first.query('select $1', [1])
  await second.query('select $1', [2])
  await second.query('select $1, 2', [1])
  expect(asked).toEqual([
    { name: 'cimd_0', text: 'select $1', values: [1] },
    { name: 'cimd_0', text: 'select $1', values: [2] },
    { name: 'cimd_1', text: 'select $1, 2', values: [1] },
  ])
})

it('does not prepare what has no parameters, since that may be several statements', async () => {
  const { asked, pool } = setup()
  await (await pool.connect()).query('begin', [])
  expect(asked).toEqual(['begin'])
})

it.each([
  ['that does not answer', new Error('Query read timeout')],
  ['that became a replica', Object.assign(new Error('read-only'), { code: '25006' })],
])('keeps no connection to a server %s, and asks it nothing more', async (_what, failure) => {
  const { asked, released, pool } = setup(failure)
  const client = await pool.connect()
  await client.query('begin', [])
  await expect(client.query('select 1', [])).rejects.toBe(failure)
  await expect(client.query('rollback', [])).rejects.toBe(failure)
  client.release()
  expect(asked).toEqual(['begin', 'select 1'])
  expect(released).toEqual([true])
})

it('survives a connection that ends between two statements, and does not keep it', async () => {
  const { asked, released, client: connection, pool } = setup()
  const client = await pool.connect()
  await client.query('begin', [])
  const failure = new Error('Connection terminated unexpectedly')
  connection.emit('error', failure)
  await expect(client.query('select 1', [])).rejects.toBe(failure)
  client.release()
  expect([asked, released]).toEqual([['begin'], [true]])
  expect(connection.listenerCount('error')).toBe(0)
})

it('keeps a connection whose statement failed', async () => {
  const failure = Object.assign(new Error('duplicate key'), { code: '23505' })
  const { asked, released, pool } = setup(failure)
  const client = await pool.connect()
  await client.query('begin', [])
  await expect(client.query('select 1', [])).rejects.toBe(failure)
  await expect(client.query('rollback', [])).rejects.toBe(failure)
  client.release()
  expect(asked).toEqual(['begin', 'select 1', 'rollback'])
  expect(released).toEqual([false])
})

it.each(['begin', `${SENT_AHEAD} select set_config('a', $1, true)`])('does not wait for %s', async (text) => {
  const { asked, pool } = setup()
  const client = await pool.connect()
  const answers = [client.query(text, []), client.query('select $1', [1])]
  expect(asked).toHaveLength(2)
  await Promise.all(answers)
})

it('reports what was sent ahead and failed with the statement behind it', async () => {
  const failure = Object.assign(new Error('duplicate key'), { code: '23505' })
  const { pool } = setup(failure)
  const client = await pool.connect()
  await client.query(`${SENT_AHEAD} insert into t values ($1)`, [1])
  await expect(client.query('commit', [])).rejects.toBe(failure)
})
