import { checkDb, closeDb, isUnreachable, openDb } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openCuttableLink } from '../harness/cuttable-link.ts'
import { describeStore, setup } from './store-bundle.ts'

const CONNECTIONS = 2

describeStore('a pool', () => {
  it('says that the server has vanished without a word, and finds the one that took over', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(store.url)
    stack.defer(link.close)
    const options = { url: link.url, connectionsMax: CONNECTIONS, statementTimeoutMs: 100, onError: () => {} }
    const db = openDb(options)
    stack.defer(() => closeDb(db))
    const onEach = () => Promise.allSettled(Array.from({ length: CONNECTIONS }, () => checkDb(db)))
    expect(await onEach()).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
    link.stall()
    const failures = (await onEach()).map(
      (ended) => ended.status === 'rejected' && isUnreachable(ended.reason),
    )
    expect(failures).toEqual([true, true])
    expect(await onEach()).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
  })

  it('survives a connection that ends between two statements of a transaction', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const db = openDb({ url: store.url, connectionsMax: 1, onError: () => {} })
    stack.defer(() => closeDb(db))
    const ended = db.transaction().execute(async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      const pid = rows[0]?.pid
      await sql`select pg_terminate_backend(${pid}::int)`.execute(store.owner)
      const backends = async () =>
        (await sql`select from pg_stat_activity where pid = ${pid}::int`.execute(store.owner)).rows
      await expect.poll(backends).toEqual([])
      await checkDb(trx)
    })
    // What is written before the server's word has arrived ends by the socket's error instead.
    await expect(ended).rejects.toSatisfy(isUnreachable)
    await checkDb(db)
  })

  it('survives a connection that ends while it is asked for its role', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(store.url, { endAt: 'select current_user' })
    stack.defer(link.close)
    const db = openDb({ url: link.url, role: 'cimd_api', onError: () => {} })
    stack.defer(() => closeDb(db))
    await expect(checkDb(db)).rejects.toThrow('Connection terminated')
  })

  it('gives up its locks when it vanishes without a word in a transaction', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(store.url)
    stack.defer(link.close)
    const db = openDb({ url: link.url, connectionsMax: 1, statementTimeoutMs: 1000, onError: () => {} })
    stack.defer(() => closeDb(db))
    const locks = async () =>
      (
        await sql`select from pg_locks l join pg_database d on d.oid = l.database
          where l.locktype = 'advisory' and d.datname = current_database()`.execute(store.owner)
      ).rows.length
    const held = Promise.withResolvers<void>()
    const vanished = Promise.withResolvers<void>()
    const ended = db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(1)`.execute(trx)
      link.stall()
      held.resolve()
      await vanished.promise
    })
    await held.promise
    expect(await locks()).toBe(1)
    await expect.poll(locks, { timeout: 10_000 }).toBe(0)
    vanished.resolve()
    await expect(ended).rejects.toThrow('Query read timeout')
  })

  it('rolls nothing back on a server that has vanished: a transaction fails as soon as its statement', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(store.url)
    stack.defer(link.close)
    const db = openDb({ url: link.url, connectionsMax: 1, statementTimeoutMs: 100, onError: () => {} })
    stack.defer(() => closeDb(db))
    await checkDb(db)
    const beganAt = performance.now()
    const ended = db.transaction().execute(async (trx) => {
      link.stall()
      await checkDb(trx)
    })
    await expect(ended).rejects.toThrow('Query read timeout')
    expect(performance.now() - beganAt).toBeLessThan(3500)
    await checkDb(db)
  })
})
