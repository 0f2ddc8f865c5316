import { describe, expect, it } from 'vitest'
import { processorMsFrom } from './bench/cpu.ts'
import { clientIdAt, documentAt, HOSTS } from './bench/documents.ts'
import { pairwise, quantile, summarize } from './bench/statistics.ts'
import { drive } from './bench/stopwatch.ts'

describe('summarize', () => {
  it('gives median, p10, p90, mean and n whatever the order', () => {
    const samples = [10, 0, 5, 2, 8, 4, 6, 3, 7, 1, 9]
    expect(summarize(samples)).toEqual({ median: 5, p10: 1, p90: 9, mean: 5, n: 11 })
  })

  it('interpolates between the two nearest', () => {
    expect(quantile([0, 10], 0.5)).toBe(5)
    expect(quantile([0, 10], 0.1)).toBe(1)
  })

  it('takes a single sample for every quantile', () => {
    expect(summarize([3])).toEqual({ median: 3, p10: 3, p90: 3, mean: 3, n: 1 })
  })

  it('throws when nothing was measured', () => {
    expect(() => summarize([])).toThrow('nothing was measured')
  })
})

describe('pairwise', () => {
  it('combines what was measured side by side', () => {
    expect(pairwise([5, 7], [2, 3], (a, b) => a - b)).toEqual([3, 4])
  })

  it('throws on series of different length', () => {
    expect(() => pairwise([1], [], Math.max)).toThrow('not pairs')
  })
})

describe('drive', () => {
  it('does every item once, no more than so many at a time', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await drive([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      done.push(item)
    })
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(most).toBe(3)
  })
})

describe('processorMsFrom', () => {
  it('adds user and system time, whatever the process is called', () => {
    const stat = '7 (a ) name) S 1 7 7 0 -1 4194304 100 0 0 0 12 3 0 0 20 0 1 0 100'
    expect(processorMsFrom(stat)).toBe(150)
  })
})

describe('the documents of the bench', () => {
  it('are spread over the hosts, each naming itself', () => {
    const hosts = new Set(Array.from({ length: HOSTS * 2 }, (_, index) => new URL(clientIdAt(index)).host))
    expect(hosts.size).toBe(HOSTS)
    expect(documentAt(7)['client_id']).toBe(clientIdAt(7))
  })
})
