import { afterRelease, type Brake, type ClientIdUrl, type ClientStanding, type FailureCode } from '@cimd/core'
import {
  type ClientView,
  engageBrakeByHand,
  findClient,
  recordAttempt,
  releaseMended,
  withTenant,
} from '@cimd/store'
import { expect, it } from 'vitest'
import { describeStore, failedRecord, identify, setup, type TestStore } from './store-bundle.ts'

const MINUTE = 60

/** What was found of a client, so many seconds after the start, before the brake is engaged. */
const STORIES: Readonly<Record<string, readonly (readonly [seconds: number, code: FailureCode])[]>> = {
  'is withdrawing': [[0, 'status_404']],
  'is withdrawn': [
    [0, 'status_410'],
    [16 * MINUTE, 'status_410'],
  ],
  'is rejected, and down since': [
    [0, 'json_invalid'],
    [16 * MINUTE, 'json_invalid'],
    [20 * MINUTE, 'status_5xx'],
  ],
  'was refused by address after an outage': [
    [0, 'timeout_dns'],
    [5 * MINUTE, 'address_blocked'],
  ],
  'was lapsed when its withdrawal was found': [[26 * 60 * MINUTE, 'status_404']],
  'is down': [[0, 'status_5xx']],
  'is kept by a gate': [[0, 'redirect']],
}

describeStore('a release as mended', () => {
  it.each(Object.entries(STORIES))('does to a client that %s what core says', async (_, story) => {
    await using store = await setup()
    const clientId = identify()
    await store.fetch(clientId)
    for (const [seconds, code] of story) {
      await store.moveClock(seconds)
      await store.demand(clientId, { forced: true })
      const { id = '' } = await viewOf(store, clientId)
      await recordAttempt(store.fetcher, failedRecord(await store.claim(id), code))
    }
    await engageBrakeByHand(store.owner, 'a test')
    const before = await viewOf(store, clientId)
    await releaseMended(store.owner)
    const { standing } = await viewOf(store, clientId)
    expect(standing).toEqual(expectedOf(before, await dueAt(store)))
  })
})

/** When the only client is due: at the instant of its release, if that did anything to it. */
async function dueAt(store: TestStore): Promise<Date> {
  const { due_at } = await store.owner.selectFrom('cimd.schedule').select('due_at').executeTakeFirstOrThrow()
  return due_at
}

function expectedOf({ standing, terms }: ClientView, releasedAt: Date): ClientStanding {
  const brake = terms.brake as Brake
  return afterRelease(standing, releasedAt, brake)?.standing ?? standing
}

function viewOf(store: TestStore, clientId: ClientIdUrl): Promise<ClientView> {
  return withTenant(store.api, store.tenant, (trx) => findClient(trx, clientId))
}
