import { describe, expect, it } from 'vitest'
import { writeTogether } from './write-together.ts'

/** Writes that end when the test says so. */
function setup(entriesMax = 10) {
  const writes: { key: string; entries: readonly number[]; end: PromiseWithResolvers<void> }[] = []
  const note = writeTogether<number>((key, entries) => {
    const end = Promise.withResolvers<void>()
    writes.push({ key, entries: [...entries], end })
    return end.promise
  }, entriesMax)
  const settle = async () => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  }
  const told = () => writes.map(({ key, entries }) => [key, ...entries])
  return { writes, note, settle, told }
}

describe('writeTogether', () => {
  it('writes the first at once, and what comes meanwhile together', async () => {
    const { writes, note, settle, told } = setup()
    const first = note('a', 1)
    await settle()
    const [second, third] = [note('a', 2), note('a', 3)]
    await settle()
    expect(told()).toEqual([['a', 1]])
    writes[0]?.end.resolve()
    await first
    await settle()
    expect(told()).toEqual([
      ['a', 1],
      ['a', 2, 3],
    ])
    writes[1]?.end.resolve()
    await Promise.all([second, third])
  })

  it('lets no key wait for another, and puts no more into one write than it may', async () => {
    const { note, settle, told, writes } = setup(2)
    void note('a', 1)
    void note('b', 1)
    await settle()
    for (const entry of [2, 3, 4]) void note('a', entry)
    writes[0]?.end.resolve()
    await settle()
    writes[2]?.end.resolve()
    await settle()
    expect(told()).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2, 3],
      ['a', 4],
    ])
  })

  it('fails those whose write failed, and nobody else', async () => {
    const { writes, note, settle } = setup()
    const first = note('a', 1)
    await settle()
    const second = note('a', 2)
    writes[0]?.end.reject(new Error('down'))
    await expect(first).rejects.toThrow('down')
    await settle()
    writes[1]?.end.resolve()
    await second
  })
})
