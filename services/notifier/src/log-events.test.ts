import { createLogger } from '@cimd/runtime'
import { describe, expect, it } from 'vitest'
import { answered, eventClaim, LANE, laneOf, verificationClaim } from './deliver-lane.fixture.ts'
import { deliverLane } from './deliver-lane.ts'
import { logTold, logVerification } from './log-events.ts'

const NEVER = new AbortController().signal

/** The lines that telling a lane leaves. */
async function linesOf(lane: ReturnType<typeof laneOf>, changed: Partial<(typeof lane)['deps']> = {}) {
  const lines: string[] = []
  const log = createLogger('notifier', 'debug', { write: (line: string) => void lines.push(line) })
  const deps = {
    ...lane.deps,
    onTold: async (told: Parameters<typeof logTold>[1]) => logTold(log, told),
    onVerification: async (end: Parameters<typeof logVerification>[1]) => logVerification(log, end),
    ...changed,
  }
  await deliverLane(deps, LANE, NEVER)
  return { text: lines.join(''), events: lines.map((line) => JSON.parse(line)) }
}

describe('what is logged of deliveries', () => {
  it('names the event and the host, and holds no body, no answer, no path and no signature', async () => {
    const lane = laneOf([eventClaim(1), eventClaim(2)], async () => answered(200, 'what it said'))
    const { text, events } = await linesOf(lane)
    expect(events).toMatchObject([
      { event: 'delivery.delivered', level: 20, host: 'hooks.example.net', attempt: 1, status: 200 },
      { event: 'delivery.delivered' },
    ])
    expect(text).not.toMatch(/private-path|what it said|aaaa|v1,|client\.json/)
  })

  it('tells a failure with its code and what follows', async () => {
    const lane = laneOf([eventClaim(1)], async () => answered(500))
    expect((await linesOf(lane)).events).toMatchObject([
      { event: 'delivery.failed', level: 30, code: 'no', given_up: false, status: 500 },
    ])
  })

  it('warns of a subscription that is disabled', async () => {
    const lane = laneOf([eventClaim(1)], async () => answered(410))
    const settle: typeof lane.deps.settle = async (claim, told) => {
      const settled = await lane.deps.settle(claim, told)
      if (settled.kind === 'lost') return settled
      return { ...settled, verdict: { ...settled.verdict, disabled: 'endpoint_gone' } }
    }
    expect((await linesOf(lane, { settle })).events).toMatchObject([
      { event: 'delivery.failed' },
      { event: 'subscription.disabled', level: 40, code: 'endpoint_gone', subscription: LANE.subscription },
    ])
  })

  it('warns of a claim that was lost', async () => {
    const settle = async () => ({ kind: 'lost' }) as const
    expect((await linesOf(laneOf([eventClaim(1)]), { settle })).events).toMatchObject([
      { event: 'delivery.lost', level: 40 },
    ])
  })

  it.each([
    ['verified', ['subscription.verified']],
    ['again', ['verification.failed']],
    ['given_up', ['verification.failed', 'subscription.disabled']],
    [undefined, ['verification.lost']],
  ] as const)('tells a verification that is %s', async (settled, expected) => {
    const lane = laneOf([verificationClaim('secret challenge')])
    const { text, events } = await linesOf(lane, { settleVerification: async () => settled })
    expect(events.map(({ event }) => event)).toEqual(expected)
    expect(text).not.toContain('secret challenge')
  })
})
