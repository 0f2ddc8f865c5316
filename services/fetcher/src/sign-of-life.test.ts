import { describe, expect, it } from 'vitest'
import { signOfLife } from './sign-of-life.ts'

/** A store that remembers the signs, beside an intake that may be made to fail. */
function setup() {
  const world = { isDown: false }
  const signs = new Set<string>()
  const calls: string[] = []
  const waiting = new Map<string, () => void>()
  const note = (call: string): void => {
    calls.push(call)
    waiting.get(call)?.()
  }
  const life = signOfLife(
    {
      checkIntake: async () => {
        if (world.isDown) throw new Error('the queue does not answer')
      },
      sign: async (id) => {
        signs.add(id)
        note('sign')
      },
      end: async (id) => {
        signs.delete(id)
        note('end')
      },
      onError: (error) => note(String(error)),
    },
    1,
  )
  const next = (call: string): Promise<void> => new Promise((resolve) => waiting.set(call, resolve))
  return { world, signs, calls, life, next }
}

describe(signOfLife, () => {
  it('signs again and again under one name, and takes the sign away at the stop', async () => {
    const { signs, calls, life, next } = setup()
    await next('sign')
    await next('sign')
    expect(signs.size).toBe(1)
    await life.stop()
    expect(signs.size).toBe(0)
    expect(calls.at(-1)).toBe('end')
  })

  it('gives no sign while no jobs can be taken, and tells why', async () => {
    const { world, calls, life, next } = setup()
    await next('sign')
    world.isDown = true
    await next('Error: the queue does not answer')
    const before = calls.filter((call) => call === 'sign').length
    await next('Error: the queue does not answer')
    expect(calls.filter((call) => call === 'sign')).toHaveLength(before)
    world.isDown = false
    await next('sign')
    await life.stop()
  })
})
