import { setTimeout as delay } from 'node:timers/promises'
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
    const options = {
      url: link.url,
      connectionsMax: CONNECTIONS,
      statementTimeoutMs: 1000,
      onError: () => {},
    }
    const db = openDb(options)
    stack.defer(() => closeDb(db))
    const onEach = () => Promise.allSettled(Array.from({ length: CONNECTIONS }, () => checkDb(db)))
    const answered = [{ status: 'fulfilled' }, { status: 'fulfilled' }]
    // A busy machine may take longer than the bound; whoever keeps the connection that is lost never gets an answer.
    await expect.poll(onEach).toMatchObject(answered)
    link.stall()
    const failures = (await onEach()).map(
      (ended) => ended.status === 'rejected' && isUnreachable(ended.reason),
    )
    expect(failures).toEqual([true, true])
    await expect.poll(onEach).toMatchObject(answered)
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
    await expect(checkDb(db)).rejects.toSatisfy(isUnreachable)
  })

  it('gives up its locks when it vanishes without a word in a transaction', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(store.url)
    stack.defer(link.close)
    const db = openDb({ url: link.url, connectionsMax: 1, statementTimeoutMs: 3000, onError: () => {} })
    stack.defer(() => closeDb(db))
    const locks = async (asker: typeof db) =>
      (
        await sql`select from pg_locks l join pg_database d on d.oid = l.database
          where l.locktype = 'advisory' and d.datname = current_database()`.execute(asker)
      ).rows.length
    const ended = db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(1)`.execute(trx)
      // Asked by itself: whoever looks from outside may come when the lock is gone already.
      expect(await locks(trx)).toBe(1)
      link.stall()
      await expect.poll(() => locks(store.owner), { timeout: 20_000 }).toBe(0)
    })
    await expect(ended).rejects.toThrow('Query read timeout')
  })

  it('rolls nothing back on a server that has vanished: a transaction fails as soon as its statement', async () => {
    await using store = await setup()
    await using stack = new AsyncDisposableStack()
    const link = await openCuttableLink(store.url)
    stack.defer(link.close)
    const db = openDb({ url: link.url, connectionsMax: 1, statementTimeoutMs: 1000, onError: () => {} })
    stack.defer(() => closeDb(db))
    await expect.poll(() => checkDb(db)).toBeUndefined()
    const ended = db.transaction().execute(async (trx) => {
      // The begin is sent ahead: unanswered it would fail the rollback by itself.
      await checkDb(trx)
      link.stall()
      await checkDb(trx)
    })
    // Between the bounds of one statement and of two; a timer as they are, which a pause of this process delays as well.
    const rolledBack = delay(5000, 'it waits for its rollback', { ref: false })
    await expect(Promise.race([ended, rolledBack])).rejects.toThrow('Query read timeout')
    await expect.poll(() => checkDb(db)).toBeUndefined()
  })
})
