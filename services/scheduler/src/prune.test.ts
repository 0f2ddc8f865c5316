import { describe, expect, it, vi } from 'vitest'
import { type PruneTask, prune } from './prune.ts'

const options = {
  onError: (task: string, error: unknown) => {
    throw new Error(task, { cause: error })
  },
  isStopping: () => false,
}
const none: PruneTask = async () => ({ deleted: 0, more: false })

describe('prune', () => {
  it('repeats a task until it has no more, and tells what went', async () => {
    const batches = [3, 3, 1]
    const attempts = vi.fn(async () => ({ deleted: batches.shift() ?? 0, more: batches.length > 0 }))
    expect(await prune({ attempts, tickets: none }, options)).toEqual({ attempts: 7 })
    expect(attempts).toHaveBeenCalledTimes(3)
  })

  it('goes on through batches that delete nothing', async () => {
    const batches = [0, 0, 2]
    const versions = async () => ({ deleted: batches.shift() ?? 0, more: batches.length > 0 })
    expect(await prune({ versions }, options)).toEqual({ versions: 2 })
  })

  it('leaves the rest of an endless task to the next run, and goes on with the others', async () => {
    const endless = vi.fn(async () => ({ deleted: 1, more: true }))
    const other = vi.fn(none)
    expect(await prune({ endless, other }, options)).toEqual({ endless: 100 })
    expect(other).toHaveBeenCalledOnce()
  })

  it('reports a task that fails and goes on with the others', async () => {
    const onError = vi.fn()
    const failing = () => Promise.reject(new Error('down'))
    const other = async () => ({ deleted: 2, more: false })
    expect(await prune({ failing, other }, { ...options, onError })).toEqual({ other: 2 })
    expect(onError).toHaveBeenCalledExactlyOnceWith('failing', new Error('down'))
  })

  it('begins no batch once the scheduler stops', async () => {
    let stopping = false
    const task = vi.fn(async () => {
      stopping = true
      return { deleted: 1, more: true }
    })
    const other = vi.fn(none)
    expect(await prune({ task, other }, { ...options, isStopping: () => stopping })).toEqual({ task: 1 })
    expect(other).not.toHaveBeenCalled()
  })
})
