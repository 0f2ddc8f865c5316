import { deleteOldDeliveries } from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { describeStore, setup, type TestStore } from './store-bundle.ts'

const DAY = 24 * 60 * 60

describeStore('retention of deliveries', () => {
  it('keeps what waits, what was delivered for 30 days and what was given up for 90', async () => {
    await using store = await setup()
    await addDeliveries(store)
    const remaining = async (days: number): Promise<string[]> => {
      await store.moveClock(days * DAY)
      while ((await deleteOldDeliveries(store.scheduler, 1)) > 0);
      return await statesOf(store)
    }
    expect(await remaining(29)).toEqual(['dead', 'dead', 'delivered', 'delivered', 'waiting', 'waiting'])
    expect(await remaining(31)).toEqual(['dead', 'dead', 'waiting', 'waiting'])
    expect(await remaining(89)).toEqual(['dead', 'dead', 'waiting', 'waiting'])
    expect(await remaining(91)).toEqual(['waiting', 'waiting'])
    expect(await remaining(400)).toEqual(['waiting', 'waiting'])
  })

  it('deletes no more at once than it is told to', async () => {
    await using store = await setup()
    await addDeliveries(store)
    await store.moveClock(91 * DAY)
    expect(await deleteOldDeliveries(store.scheduler, 3)).toBe(3)
    expect(await deleteOldDeliveries(store.scheduler, 3)).toBe(1)
    expect(await deleteOldDeliveries(store.scheduler, 3)).toBe(0)
  })
})

/** Two of each state now, of which one that is dead and one that waits were never tried. */
async function addDeliveries({ owner, tenant }: TestStore): Promise<void> {
  await sql`
    with subscription as (
      insert into cimd.subscriptions (tenant_id, url, challenge, fanned_position)
      values (${tenant}, 'https://hooks.example.net/', 'c', 0) returning id
    )
    insert into cimd.deliveries (tenant_id, subscription_id, lane, position, event_id, type, state, tried_at)
    select ${tenant}, subscription.id, 1, position, gen_random_uuid(), 'client.discovered', state, tried_at
    from subscription, (values
      (1, 'delivered', cimd.cimd_now()), (2, 'delivered', cimd.cimd_now()), (3, 'dead', cimd.cimd_now()),
      (4, 'dead', null), (5, 'waiting', cimd.cimd_now()), (6, 'waiting', null)
    ) as given (position, state, tried_at)`.execute(owner)
}

async function statesOf({ owner }: TestStore): Promise<string[]> {
  const { rows } = await sql<{ state: string }>`select state from cimd.deliveries order by state`.execute(
    owner,
  )
  return rows.map(({ state }) => state)
}
