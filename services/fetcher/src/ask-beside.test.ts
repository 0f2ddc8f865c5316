import { describe, expect, it } from 'vitest'
import { ASKED_NOTHING, askBeside } from './ask-beside.ts'

const FOUND = { kind: 'found', names: ['ns1.host.example'] } as const
const NEVER = Promise.withResolvers<never>().promise

describe('a question beside a fetch (CHG-05)', () => {
  it('gives its answer', async () => {
    using question = askBeside(async () => FOUND, 'example.com')
    expect(question.isAsked).toBe(true)
    expect(await question.answer(10_000)).toEqual(FOUND)
  })

  it('is unknown where it fails, whenever that is', async () => {
    using question = askBeside(() => Promise.reject(new Error('no more sockets')), 'example.com')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await question.answer(10_000)).toEqual({ kind: 'unknown' })
  })

  it('is unknown where it takes longer than the grace, and ends then', async () => {
    let ended: AbortSignal | undefined
    using question = askBeside((_, signal) => {
      ended = signal
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }, 'example.com')
    expect(await question.answer(1)).toEqual({ kind: 'unknown' })
    expect(ended?.aborted).toBe(true)
  })

  it('ends with the fetch, whose failure nobody has to wait for', () => {
    let ended: AbortSignal | undefined
    const question = askBeside((_, signal) => {
      ended = signal
      return NEVER
    }, 'example.com')
    question[Symbol.dispose]()
    expect(ended?.aborted).toBe(true)
  })

  it('is not asked where none is due', async () => {
    using question = ASKED_NOTHING
    expect([question.isAsked, await question.answer(1)]).toEqual([false, { kind: 'unknown' }])
  })
})
