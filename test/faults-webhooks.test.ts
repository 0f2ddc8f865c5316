import { describe, expect, it } from 'vitest'
import type { Evidence } from './faults/evidence.ts'
import { webhooksArrive } from './faults/invariants/webhooks.ts'
import { CLIENT, quietRun, T0, TENANT } from './faults/plant.ts'

function found(webhooks: Evidence['webhooks']): readonly string[] {
  return webhooksArrive({ ...quietRun(), webhooks }).violations.map(({ wrong }) => wrong)
}

describe(webhooksArrive, () => {
  const subscriptions = [{ id: 'hook', tenant: TENANT }]
  const delivery = (nth: number, status: number | undefined = 204) => ({
    ...{ at: T0 + 1000 + nth, subscription: 'hook', subject: CLIENT, clientseq: nth, status },
    id: `event-${nth}`,
  })
  const sent = (...received: readonly ReturnType<typeof delivery>[]) => found({ subscriptions, received })

  it('allows each event in its order, however often', () => {
    expect(sent(delivery(1, 500), delivery(1), delivery(2, undefined), delivery(2), delivery(1))).toEqual([])
  })

  it('finds one that was never accepted, one before its turn, and one that nobody wanted', () => {
    expect(sent(delivery(1), delivery(2, 500))).toEqual(['lost'])
    expect(sent(delivery(2), delivery(1))).toEqual(['out of order'])
    expect(sent(delivery(1), delivery(2), { ...delivery(1), id: 'strange' })).toEqual(['unexplained'])
  })

  it('does not expect what a subscription leaves out', () => {
    const types = ['client.metadata_changed']
    const webhooks = { subscriptions: [{ id: 'hook', tenant: TENANT, types }], received: [delivery(2)] }
    expect(found(webhooks)).toEqual([])
  })
})
