import { describe, expect, it } from 'vitest'
import { createSlots } from './slots.ts'

describe('createSlots', () => {
  it('gives so many at once, and another for each that is given back', () => {
    const takeSlot = createSlots(2)
    const [first, second] = [takeSlot(), takeSlot()]
    expect([first, second]).not.toContain(undefined)
    expect(takeSlot()).toBeUndefined()
    first?.[Symbol.dispose]()
    expect(takeSlot()).toBeDefined()
    expect(takeSlot()).toBeUndefined()
  })

  it('takes a slot back once, however often it is given', () => {
    const takeSlot = createSlots(1)
    const slot = takeSlot()
    slot?.[Symbol.dispose]()
    slot?.[Symbol.dispose]()
    expect(takeSlot()).toBeDefined()
    expect(takeSlot()).toBeUndefined()
  })
})
