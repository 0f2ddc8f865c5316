import { describe, expect, it } from 'vitest'
import { DEFENCES } from './defences.ts'
import { tryWithAll, tryWithout } from './try-defences.ts'

describe('the defences', () => {
  it('hold against their attacks together', { timeout: 120_000 }, async () => {
    const told = await tryWithAll()
    expect(Object.entries(told).filter(([, outcome]) => outcome !== 'held')).toEqual([])
  })

  describe('one by one', () => {
    it.each(DEFENCES)(
      '$name is needed: without it $row is $without',
      { timeout: 60_000 },
      async (defence) => {
        expect(await tryWithout(defence)).toBe(defence.without)
      },
    )
  })
})
