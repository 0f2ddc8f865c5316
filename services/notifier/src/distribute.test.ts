import { describe, expect, it, vi } from 'vitest'
import { distribute } from './distribute.ts'

describe(distribute, () => {
  it('goes on until no subscription is behind, also where none of the events was wanted', async () => {
    const made = [3, 0, 2, undefined]
    const fanOut = vi.fn(async () => made.shift())
    expect(await distribute({ fanOut, isStopping: () => false })).toBe(5)
    expect(fanOut).toHaveBeenCalledTimes(4)
  })

  it('stops between two feeds once the notifier does', async () => {
    let stopping = false
    const fanOut = vi.fn(async () => {
      stopping = true
      return 1
    })
    expect(await distribute({ fanOut, isStopping: () => stopping })).toBe(1)
    expect(fanOut).toHaveBeenCalledOnce()
  })
})
