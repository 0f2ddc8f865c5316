import { deleteEndedBudgets, type FetchBudgetLimits } from '@cimd/store'
import { expect, it } from 'vitest'
import { answersOf, budgetOf, granted, HOST, STRANGER, UNREACHED, windowsOf } from './budget-bundle.ts'
import { describeStore, setup } from './store-bundle.ts'

describeStore('the budget of fetches, asked for by many at once (FET-23),', () => {
  const crowdOf = (size: number) =>
    Array.from({ length: size }, (_, n) => ({
      urgent: true,
      host: `host-${n % 7}.domain-${n % 3}.example`,
      domain: `domain-${n % 3}.example`,
    }))

  it.each([
    ['runs', 'concurrentMax'],
    ['attempts', 'windowMax'],
  ] as const)('grants as many %s as its limits and no more, to 50 takers', async (_what, limit) => {
    await using store = await setup({ connectionsMax: 50 })
    const grantedTo = async (limits: Partial<FetchBudgetLimits>) => {
      await store.owner.deleteFrom('cimd.fetch_leases').execute()
      await store.owner.deleteFrom('cimd.fetch_windows').execute()
      const take = budgetOf(store, limits)
      return (await answersOf(take, 50, (n) => crowdOf(50)[n] ?? HOST))['granted']
    }
    // 21 hosts, of which none has fewer than two takers; three domains; one fleet.
    expect(await grantedTo({ host: { ...UNREACHED, [limit]: 2 } })).toBe(42)
    expect(await grantedTo({ domain: { ...UNREACHED, [limit]: 4 } })).toBe(12)
    expect(await grantedTo({ fleet: { ...UNREACHED, [limit]: 5 } })).toBe(5)
  })

  it('never lets more run at any scope, and never deadlocks, while leases come and go', async () => {
    await using store = await setup({ connectionsMax: 32 })
    const max = { host: 2, domain: 5, fleet: 9 }
    const take = budgetOf(store, {
      host: { concurrentMax: max.host, windowMax: 100_000 },
      domain: { concurrentMax: max.domain, windowMax: 100_000 },
      fleet: { concurrentMax: max.fleet, windowMax: 100_000 },
    })
    const running = new Map<string, number>()
    const most = { host: 0, domain: 0, fleet: 0 }
    const add = ({ host, domain }: typeof HOST, by: 1 | -1): void => {
      const keys = { host: `host ${host}`, domain: `domain ${domain}`, fleet: 'fleet' }
      for (const scope of ['host', 'domain', 'fleet'] as const) {
        const now = (running.get(keys[scope]) ?? 0) + by
        running.set(keys[scope], now)
        most[scope] = Math.max(most[scope], now)
      }
    }
    let grants = 0
    const attempt = async (target: typeof HOST): Promise<void> => {
      const answer = await take(target)
      if (answer.kind === 'deferred') return
      grants += 1
      add(target, 1)
      // Counted out before it is given back: the count here is never above that of the database.
      await store.fetcher.selectFrom('cimd.deployment').select('environment').execute()
      add(target, -1)
      await answer.release()
    }
    await Promise.all(
      crowdOf(32).map(async (_, taker) => {
        for (let n = 0; n < 40; n += 1) await attempt(crowdOf(64)[(taker * 5 + n) % 64] ?? HOST)
      }),
    )
    expect(most.host).toBeLessThanOrEqual(max.host)
    expect(most.domain).toBeLessThanOrEqual(max.domain)
    expect(most.fleet).toBeLessThanOrEqual(max.fleet)
    expect(grants).toBe((await windowsOf(store)).find(({ scope }) => scope === 'fleet')?.attempts)
    expect(await store.owner.selectFrom('cimd.fetch_leases').selectAll().execute()).toEqual([])
  })

  it('does not deadlock with the deletion of what ended', async () => {
    await using store = await setup({ connectionsMax: 20 })
    const take = budgetOf(store, { windowSeconds: 60 })
    await Promise.all(crowdOf(40).map(take))
    await store.moveClock(2 * 3600)
    const [, ...answers] = await Promise.all([
      Promise.all(Array.from({ length: 10 }, () => deleteEndedBudgets(store.scheduler))),
      ...crowdOf(60).map(take),
    ])
    expect(answers.map(({ kind }) => kind)).toEqual(crowdOf(60).map(() => 'granted'))
  })

  it('refuses without waiting for those who are being granted', async () => {
    await using store = await setup()
    const take = budgetOf(store, { host: { ...UNREACHED, concurrentMax: 1 } })
    await take(HOST)
    await store.owner.transaction().execute(async (trx) => {
      await trx.selectFrom('cimd.fetch_windows').select('attempts').forUpdate().execute()
      expect(await take(HOST)).toMatchObject({ code: 'host_budget' })
    })
  })

  it('decides on what was granted while it waited for its turn, and takes its counts back', async () => {
    await using store = await setup()
    const take = budgetOf(store, { fleet: { concurrentMax: 1, windowMax: 1000 } })
    await granted(take(HOST)).then(({ release }) => release())
    const late = await store.owner.transaction().execute(async (trx) => {
      await trx.selectFrom('cimd.fetch_windows').select('attempts').forUpdate().execute()
      const waiting = [take(HOST), take(STRANGER)]
      await store.untilBlocked(2)
      return waiting
    })
    const answers = await Promise.all(late)
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['deferred', 'granted'])
    expect(await store.owner.selectFrom('cimd.fetch_leases').select('host').execute()).toHaveLength(1)
    const attempts = (await windowsOf(store))
      .filter(({ scope }) => scope === 'host')
      .map((row) => row.attempts)
    expect(attempts.reduce((sum, more) => sum + more)).toBe(2)
    expect((await windowsOf(store)).find(({ scope }) => scope === 'fleet')?.attempts).toBe(2)
  })
})
