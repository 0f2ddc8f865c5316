import {
  claimLane,
  fanOut,
  leaseDueLanes,
  relayOutbox,
  settleDelivery,
  settleVerification,
} from '@cimd/store'
import type { TestStore } from './store-bundle.ts'

const LIMITS = { limit: 100, perTenant: 100, perSubscription: 10, failuresMax: 5 }
const TAKEN = { outcome: { kind: 'answered', status: 204 }, answer: undefined, random: 0 } as const

type Told = Parameters<typeof settleDelivery>[2]

/** What the notifier does: divides the feeds, verifies endpoints, and delivers all that is due, as the endpoint answers. */
export async function tellSubscriptions(
  { scheduler, notifier }: TestStore,
  told: Told = TAKEN,
): Promise<void> {
  await relayOutbox(scheduler, 1000)
  do {
    await verifyAndDeliver(notifier, told)
  } while ((await fanOut(notifier, 1000)) !== undefined)
  await verifyAndDeliver(notifier, told)
}

async function verifyAndDeliver(notifier: TestStore['notifier'], told: Told): Promise<void> {
  for (const lane of await leaseDueLanes(notifier, LIMITS)) {
    let claim = await claimLane(notifier, lane)
    if (claim?.told.kind === 'verification') {
      await settleVerification(notifier, claim, { verified: true, random: 0 })
      continue
    }
    while (claim !== undefined) {
      const settled = await settleDelivery(notifier, claim, told)
      claim = settled.kind === 'settled' ? settled.next : undefined
    }
  }
}
