import { describe, expect, it } from 'vitest'
import { QueueUnavailableError, settlesWithin, withDeadline } from './deadline.ts'

const never = new Promise<never>(() => undefined)

describe(withDeadline, () => {
  it('passes the result on', async () => {
    await expect(withDeadline(Promise.resolve(1), 1_000, 'enqueue')).resolves.toBe(1)
  })

  it('rejects with what was late', async () => {
    const late = withDeadline(never, 1, 'enqueue')
    await expect(late).rejects.toThrow(QueueUnavailableError)
    await expect(late).rejects.toThrow('enqueue: no answer in 1 ms')
  })
})

describe(settlesWithin, () => {
  it('counts a rejection as settled', async () => {
    expect(await settlesWithin(Promise.reject(new Error('lost')), 1_000)).toBe(true)
  })

  it('tells what does not settle', async () => {
    expect(await settlesWithin(never, 1)).toBe(false)
  })
})
