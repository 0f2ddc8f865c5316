import { describe, expect, it } from 'vitest'
import { createPublicRefreshBudget } from './refresh-budget.ts'

/** How many of `asked` are granted. */
const granted = (take: (address: string) => boolean, asked: readonly string[]) => asked.filter(take).length
const many = (count: number, address = '192.0.2.1') => Array<string>(count).fill(address)

describe('createPublicRefreshBudget', () => {
  it('gives one address a tenth of a minute, and the next minute as much again', () => {
    let nowMs = 1000
    const take = createPublicRefreshBudget(100, () => nowMs)
    expect(granted(take, many(30))).toBe(10)
    expect(granted(take, many(30, '192.0.2.2'))).toBe(10)
    nowMs += 59_999
    expect(granted(take, many(1))).toBe(0)
    nowMs += 1
    expect(granted(take, many(30))).toBe(10)
  })

  it('gives all addresses together no more than the whole', () => {
    const take = createPublicRefreshBudget(20, () => 0)
    const addresses = Array.from({ length: 100 }, (_, index) => `198.51.100.${index}`)
    expect(granted(take, addresses)).toBe(20)
  })

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::1'],
    ['2001:db8::1', '2001:db8:0:0:1:2:3:4'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['::1', '::2'],
  ])('takes addresses of one /64 for one host: %s, %s', (one, other) => {
    const take = createPublicRefreshBudget(10, () => 0)
    expect(granted(take, [one, other])).toBe(1)
  })

  it('takes addresses of two networks for two hosts', () => {
    const take = createPublicRefreshBudget(10, () => 0)
    expect(
      granted(take, ['2001:db8:1:2::1', '2001:db8:1:3::1', '::ffff:192.0.2.1', '::ffff:192.0.2.2']),
    ).toBe(4)
  })

  it('gives at least one, however small the whole', () => {
    expect(
      granted(
        createPublicRefreshBudget(1, () => 0),
        many(3),
      ),
    ).toBe(1)
  })
})
