import { BridgeRefusedError, QueueUnavailableError } from '@cimd/queue'
import { describe, expect, it } from 'vitest'
import { BATCH_MAX, createTurns, REFUSED_PAUSE_MS } from './run-bridge.ts'

/** Feeds of so many events by tenant, and what happens to those who publish them. */
function setup(feeds: Record<string, number>) {
  const world = { atMs: 0, waiting: new Map(Object.entries(feeds)) }
  const faults: { unavailable: number; refused: string | undefined } = { unavailable: 0, refused: undefined }
  const calls: string[] = []
  const stopping = new AbortController()
  const { turn, refusing } = createTurns(
    {
      bridge: { publish: async () => undefined, check: async () => undefined },
      source: '/test',
      from: 'now',
      join: async (start) => void calls.push(`join ${start}`),
      publishNext: async ({ limit, except }) => {
        const [tenant, events] = [...world.waiting].find(([id]) => !except.includes(id)) ?? []
        if (tenant === undefined || events === undefined) return undefined
        calls.push(`${tenant} ${limit}`)
        if (faults.unavailable > 0) {
          faults.unavailable -= 1
          throw new QueueUnavailableError('away')
        }
        if (tenant === faults.refused) throw new BridgeRefusedError(tenant, 'no stream')
        if (events > limit) world.waiting.set(tenant, events - limit)
        else world.waiting.delete(tenant)
        return Math.min(events, limit)
      },
      onFailed: (error, tenant) => calls.push(`${(error as Error).message} ${tenant}`),
      monotonicMs: () => world.atMs,
    },
    stopping.signal,
  )
  const run = async () => {
    calls.length = 0
    await turn().catch((error: Error) => calls.push(error.message))
    return [...calls]
  }
  return { world, faults, stopping, refusing, run }
}

describe(createTurns, () => {
  it('publishes until nobody has news, and begins where it was told only once', async () => {
    const { run } = setup({ a: BATCH_MAX + 1 })
    expect(await run()).toEqual(['join now', `a ${BATCH_MAX}`, `a ${BATCH_MAX}`])
    expect(await run()).toEqual(['join beginning'])
  })

  it('pauses ever longer while the target is away, and takes it on in smaller batches', async () => {
    const { run, world, faults } = setup({ a: BATCH_MAX })
    faults.unavailable = 2
    expect(await run()).toEqual(['join now', `a ${BATCH_MAX}`, 'away'])
    world.atMs = 999
    expect(await run()).toEqual([])
    world.atMs = 1_000
    expect(await run()).toEqual(['join beginning', `a ${BATCH_MAX / 2}`, 'away'])
    world.atMs = 2_999
    expect(await run()).toEqual([])
    world.atMs = 3_000
    expect(await run()).toEqual([
      'join beginning',
      ...[BATCH_MAX / 4, BATCH_MAX / 2, BATCH_MAX].map((limit) => `a ${limit}`),
    ])
  })

  it('tries as long as it takes, with one event at a time in the end', async () => {
    const { run, world, faults } = setup({ a: 1 })
    faults.unavailable = 20
    for (let n = 0; n < 20; n += 1) {
      expect(await run()).toContain('away')
      world.atMs += 30_000
    }
    expect(await run()).toEqual(['join beginning', 'a 1'])
  })

  it('sets a tenant aside that is refused, for a minute, and tells it once', async () => {
    const { run, world, faults, refusing } = setup({ a: 1, b: 1 })
    faults.refused = 'a'
    expect(await run()).toEqual(['join now', `a ${BATCH_MAX}`, 'no stream a', `b ${BATCH_MAX}`])
    expect(await run()).toEqual(['join beginning'])
    expect(refusing()).toBe(1)
    faults.refused = undefined
    world.atMs = REFUSED_PAUSE_MS
    expect(await run()).toEqual(['join beginning', `a ${BATCH_MAX}`])
    expect(refusing()).toBe(0)
  })

  it('begins nothing once it stops', async () => {
    const { run, stopping } = setup({ a: 1 })
    stopping.abort()
    expect(await run()).toEqual(['join now'])
  })
})
