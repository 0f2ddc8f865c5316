import {
  findClient,
  lockClient,
  readFeed,
  recordAttempt,
  relayOutbox,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, identify, setup, validRecord } from './store-bundle.ts'

describeStore("a tenant's first use of a client others use", () => {
  it('lets no attempt be recorded between what it reads and what it will hear of', async () => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    const { client } = await store.demand(clientId, { forced: true })
    const change = validRecord(await store.claim(client), { client_name: 'changed' })

    const { seen, recorded } = await withTenant(store.api, store.otherTenant, async (trx) => {
      await lockClient(trx, client)
      const { standing } = await findClient(trx, clientId)
      const recording = recordAttempt(store.fetcher, change)
      await store.untilBlocked()
      await touchInterest(trx, client)
      // Not awaited here: it cannot end before this transaction does.
      return { seen: standing.digest, recorded: () => recording }
    })
    expect(await recorded()).toMatchObject({ applied: true })
    await relayOutbox(store.scheduler, 100)
    const events = await withTenant(store.api, store.otherTenant, (trx) => readFeed(trx, 0, 10))
    expect(events).toMatchObject([
      { type: 'client.metadata_changed', data: { from_digest: seen, to_digest: change.newVersion?.digest } },
    ])
  })
})
