import type { BrakeStatus } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { BRAKE_ALERT_INTERVAL_MS, createBrakeWatch } from './watch-brake.ts'

const now = new Date('2026-11-20T12:00:00Z')
const heldFrom = new Date('2026-11-20T11:00:00Z')
const RELEASED: BrakeStatus = { engaged: undefined, disarmedUntil: undefined }

/** A brake that does as it is told, beside `ending` of 1000 clients in use. */
function setup(given: {
  readonly ending: number
  readonly status?: BrakeStatus
  readonly refused?: boolean
  readonly uncounted?: boolean
}) {
  const world = { ...given, status: given.status ?? RELEASED, atMs: 0 }
  const calls: string[] = []
  const watch = createBrakeWatch(
    {
      read: async () => world.status,
      count: async () => {
        calls.push('count')
        if (world.uncounted) throw new Error('the count took too long')
        const { ending } = world
        const endingByDomain = Array.from({ length: ending }, () => 1)
        const counted = { inUse: 1000, ending, endingByDomain, failingCanaries: 0 }
        const held = { clients: 0, firstEndsAt: undefined }
        return { now, held, facts: { ...counted, engaged: false, disarmedUntil: undefined } }
      },
      engage: async (decision) => {
        calls.push(`engage: ${decision.reason}`)
        if (world.refused) return false
        world.status = { engaged: { engagedAt: now, ...decision }, disarmedUntil: undefined }
        return true
      },
      alert: ({ reason }, count) => {
        const told = 'facts' in count ? count.facts.ending : String(count.uncounted)
        calls.push(`alert: ${reason} (${told})`)
      },
      tellReleased: () => calls.push('released'),
      monotonicMs: () => world.atMs,
    },
    { share: 0.02, clientsMin: 20 },
  )
  const run = async () => {
    calls.length = 0
    await watch()
    return [...calls]
  }
  return { world, run }
}

describe('createBrakeWatch', () => {
  it('leaves the brake alone while few clients end', async () => {
    expect(await setup({ ending: 19 }).run()).toEqual(['count'])
  })

  it('engages it and alerts when too many would end', async () => {
    const { run, world } = setup({ ending: 20 })
    const reason = '20 of 1000 clients in use would end within an hour'
    expect(await run()).toEqual(['count', `engage: ${reason}`, 'count', `alert: ${reason} (20)`])
    expect(world.status.engaged).toMatchObject({ engagedAt: now, heldFrom, reason })
  })

  it('alerts at once when it was released and engaged again between two looks', async () => {
    const engaged = { engagedAt: now, heldFrom, reason: 'first' }
    const { run, world } = setup({ ending: 30, status: { engaged, disarmedUntil: undefined } })
    await run()
    const again = { ...engaged, engagedAt: new Date(now.getTime() + 1000), reason: 'second' }
    world.status = { engaged: again, disarmedUntil: undefined }
    expect(await run()).toEqual(['count', 'alert: second (30)'])
  })

  it('alerts again each minute, and counts nothing in between', async () => {
    const engaged = { engagedAt: now, heldFrom, reason: 'by hand' }
    const { run, world } = setup({ ending: 3, status: { engaged, disarmedUntil: undefined } })
    expect(await run()).toEqual(['count', 'alert: by hand (3)'])
    world.atMs = BRAKE_ALERT_INTERVAL_MS - 1
    expect(await run()).toEqual([])
    world.atMs = BRAKE_ALERT_INTERVAL_MS
    expect(await run()).toEqual(['count', 'alert: by hand (3)'])
  })

  it('alerts once a minute where it cannot count either, and says why', async () => {
    const engaged = { engagedAt: now, heldFrom, reason: 'by hand' }
    const { run, world } = setup({
      ending: 3,
      status: { engaged, disarmedUntil: undefined },
      uncounted: true,
    })
    const uncounted = ['count', 'alert: by hand (Error: the count took too long)']
    expect(await run()).toEqual(uncounted)
    world.atMs = BRAKE_ALERT_INTERVAL_MS - 1
    expect(await run()).toEqual([])
    world.atMs = BRAKE_ALERT_INTERVAL_MS
    expect(await run()).toEqual(uncounted)
    world.uncounted = false
    world.atMs = 2 * BRAKE_ALERT_INTERVAL_MS
    expect(await run()).toEqual(['count', 'alert: by hand (3)'])
  })

  it('rejects where it cannot count what may engage it', async () => {
    await expect(setup({ ending: 20, uncounted: true }).run()).rejects.toThrow('took too long')
  })

  it('tells once that it was released, and alerts at once when it is engaged again', async () => {
    const { run, world } = setup({ ending: 20 })
    await run()
    world.status = { engaged: undefined, disarmedUntil: now }
    expect(await run()).toEqual(['released'])
    expect(await run()).toEqual([])
    world.status = RELEASED
    expect(await run()).toContain('alert: 20 of 1000 clients in use would end within an hour (20)')
  })

  it('neither counts nor engages while an operator has disarmed it', async () => {
    const { run } = setup({ ending: 1000, status: { engaged: undefined, disarmedUntil: now } })
    expect(await run()).toEqual([])
  })

  it('alerts nothing when the store has not engaged it', async () => {
    expect(await setup({ ending: 20, refused: true }).run()).not.toContainEqual(
      expect.stringMatching(/^alert/),
    )
  })
})
