import { describe, expect, it } from 'vitest'
import { createFaultPauses } from './fault-pauses.ts'

function setup() {
  let nowMs = 5000
  const pauses = createFaultPauses(() => nowMs)
  const pass = (seconds: number): void => {
    nowMs += seconds * 1000
  }
  const strike = (resource: string, { generation = 1, urgent = false } = {}): number =>
    pauses.secondsAfter({ resource, generation, urgent })
  return { strike, pass }
}

describe('createFaultPauses', () => {
  it('leaves a resource alone for twice as long each time, and for an hour at most', () => {
    const { strike, pass } = setup()
    const seconds = Array.from({ length: 11 }, () => {
      const pause = strike('4')
      pass(pause)
      return pause
    })
    expect(seconds).toEqual([20, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600])
  })

  it('knows one resource from another', () => {
    const { strike, pass } = setup()
    strike('4')
    pass(300)
    expect(strike('5')).toBe(20)
    expect(strike('4')).toBe(300)
  })

  it('begins anew once it was fetched, also where another fetcher did that', () => {
    const { strike, pass } = setup()
    strike('4')
    pass(5400)
    const seconds = Array.from({ length: 3 }, () => {
      const pause = strike('4', { generation: 2 })
      pass(pause)
      return pause
    })
    expect(seconds).toEqual([20, 20, 40])
  })

  it('grows although other fetchers took most of the turns meanwhile', () => {
    const { strike, pass } = setup()
    strike('4')
    pass(1000)
    expect(strike('4')).toBe(1000)
  })

  it('never grows while somebody waits, and has grown once nobody does', () => {
    const { strike, pass } = setup()
    for (const _ of Array.from({ length: 9 })) {
      expect(strike('4', { urgent: true })).toBe(20)
      pass(20)
    }
    expect(strike('4')).toBe(180)
  })

  it('forgets what no fault has struck for two hours, and nothing before', () => {
    const { strike, pass } = setup()
    strike('4')
    pass(7200)
    expect(strike('4')).toBe(3600)
    pass(7201)
    expect(strike('4')).toBe(20)
  })
})
