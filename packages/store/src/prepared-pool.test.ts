import type pg from 'pg'
import { expect, it } from 'vitest'
import { preparedPool } from './prepared-pool.ts'

/** A pool whose one client notes what it is asked. */
function setup() {
  const asked: unknown[] = []
  const client = { query: async (what: unknown) => asked.push(what), release: () => undefined }
  const pool = { options: {}, connect: async () => client, end: async () => undefined }
  // As much of a pool as is used.
  return { asked, pool: preparedPool(pool as unknown as pg.Pool) }
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
