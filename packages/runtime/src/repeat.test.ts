import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Repetition, repeat } from './repeat.ts'

const INTERVAL_MS = 1000
const noError = (error: unknown) => {
  throw error
}
/** Lets everything run that waits for nothing but promises. */
const settle = () => vi.advanceTimersByTimeAsync(0)

/** Work whose runs end when the test says so. */
function setup(onError: (error: unknown) => void = noError) {
  const runs: PromiseWithResolvers<void>[] = []
  const repetition = repeat(
    INTERVAL_MS,
    () => {
      const run = Promise.withResolvers<void>()
      runs.push(run)
      return run.promise
    },
    onError,
  )
  const endRun = () => {
    runs.at(-1)?.resolve()
    return settle()
  }
  return { repetition, runs, endRun }
}

describe('repeat', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('runs at once, and again an interval after each run', async () => {
    const { runs, endRun } = setup()
    expect(runs).toHaveLength(1)
    await endRun()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1)
    expect(runs).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(runs).toHaveLength(2)
  })

  it('never runs twice at once, however long a run takes and however often it is woken', async () => {
    const { repetition, runs } = setup()
    repetition.wake()
    repetition.wake()
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)
    expect(runs).toHaveLength(1)
  })

  it('runs once more right after the run during which it was woken', async () => {
    const { repetition, runs, endRun } = setup()
    repetition.wake()
    repetition.wake()
    await endRun()
    expect(runs).toHaveLength(2)
    await endRun()
    expect(runs).toHaveLength(2)
  })

  it('runs at once when it is woken in a pause', async () => {
    const { repetition, runs, endRun } = setup()
    await endRun()
    repetition.wake()
    await settle()
    expect(runs).toHaveLength(2)
    await endRun()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS - 1)
    expect(runs).toHaveLength(2)
  })

  it('reports a failure and goes on after the interval', async () => {
    const errors: unknown[] = []
    const { runs } = setup((error) => errors.push(error))
    runs[0]?.reject(new Error('down'))
    await settle()
    expect(errors).toEqual([new Error('down')])
    expect(runs).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(runs).toHaveLength(2)
  })

  it('waits for the run under way when it stops, and begins no other', async () => {
    const { repetition, runs, endRun } = setup()
    const stopped = vi.fn()
    repetition.wake()
    const stopping = repetition.stop().then(stopped)
    await settle()
    expect(stopped).not.toHaveBeenCalled()
    await endRun()
    await stopping
    await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS)
    expect(runs).toHaveLength(1)
  })

  it('stops at once in a pause, and stays stopped', async () => {
    const { repetition, runs, endRun } = setup()
    await endRun()
    await repetition.stop()
    repetition.wake()
    await vi.advanceTimersByTimeAsync(2 * INTERVAL_MS)
    expect(runs).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('may be stopped by its own work, and twice', async () => {
    let repetition: Repetition | undefined
    let runs = 0
    repetition = repeat(
      INTERVAL_MS,
      async () => {
        await Promise.resolve()
        runs += 1
        void repetition?.stop()
      },
      noError,
    )
    await repetition.stop()
    expect(runs).toBe(1)
  })
})
