import { type AdvertiseFacts, type AdvertiseVerdict, DEFAULT_ADVERTISE_THRESHOLDS } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import { createAdvertiseWatch } from './watch-advertise.ts'

const START = Date.UTC(2026, 10, 20, 12)
const WELL: AdvertiseFacts = {
  fetcherSeenAt: new Date(START + 60_000),
  domains: { tried: 0, broken: 0 },
  attemptedAt: undefined,
  waitingSince: undefined,
}

/** A verdict that is kept as it is judged, a second later each time, from facts that may be changed. */
function setup() {
  const world = { facts: WELL, seconds: 0, isHeld: false }
  const told: unknown[] = []
  let verdict: AdvertiseVerdict = {
    ...{ advertise: true, why: undefined, since: new Date(START) },
    ...{ turningSince: undefined, judgedAt: new Date(START) },
  }
  const watch = createAdvertiseWatch(
    {
      update: async (judge) => {
        if (world.isHeld) return undefined
        world.seconds += 1
        const before = verdict
        verdict = judge(before, world.facts, new Date(START + world.seconds * 1000))
        return { verdict, changed: verdict.advertise !== before.advertise }
      },
      tell: ({ advertise, why }) => told.push({ advertise, why }),
      announce: async () => void told.push('announced'),
    },
    { ...DEFAULT_ADVERTISE_THRESHOLDS, holdSeconds: 2, quietSeconds: 3 },
  )
  const run = async (times: number) => {
    told.length = 0
    for (let turn = 0; turn < times; turn += 1) await watch()
    return [...told]
  }
  return { world, run }
}

describe(createAdvertiseWatch, () => {
  it('tells a change once, and announces it, by the thresholds it was given', async () => {
    const { world, run } = setup()
    expect(await run(5)).toEqual([])
    world.facts = { ...WELL, fetcherSeenAt: undefined }
    expect(await run(10)).toEqual([{ advertise: false, why: 'fetchers_gone' }, 'announced'])
    world.facts = WELL
    expect(await run(3)).toEqual([])
    expect(await run(5)).toEqual([{ advertise: true, why: undefined }, 'announced'])
  })

  it('leaves it to another who is at it', async () => {
    const { world, run } = setup()
    world.isHeld = true
    expect(await run(3)).toEqual([])
  })
})
