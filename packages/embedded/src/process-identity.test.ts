import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { formatIdentity, identify, isAlive, parseIdentity, parseProcStat } from './process-identity.ts'

const AFTER_NAME = 'S 1 2 3 0 -1 4194304 5 6 7 8 9 10 11 12 20 0 1 0 987654 1000 50'

describe(parseProcStat, () => {
  it.each(['sh', 'a b', 'odd) name (', ') S 9 9'])('reads state and start behind the name (%s)', (name) => {
    expect(parseProcStat(`42 (${name}) ${AFTER_NAME}\n`)).toEqual({ state: 'S', startTicks: 987654 })
  })

  it.each(['', '42 (sh) S 1 2'])('knows nothing of %j', (text) => {
    expect(parseProcStat(text)).toBeUndefined()
  })
})

describe('the identity of a process', () => {
  it('stays the same while it runs, and survives being written down', () => {
    const self = identify(process.pid)
    expect(self).toEqual(identify(process.pid))
    expect(self && parseIdentity(formatIdentity(self))).toEqual(self)
    expect(self && isAlive(self)).toBe(true)
  })

  it('is not that of another process with its pid', () => {
    expect(isAlive({ pid: process.pid, startedAt: 'abcdef' })).toBe(false)
  })

  it('ends with the process', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const identity = identify(child.pid ?? 0)
    expect(identity && isAlive(identity)).toBe(true)
    child.kill()
    await once(child, 'exit')
    expect(identity && isAlive(identity)).toBe(false)
    expect(identify(child.pid ?? 0)).toBeUndefined()
  })

  it.each(['', '12', '12-', '-ab', '0-ab', '12-xy', '12-ab\n', `12-${'a'.repeat(41)}`])(
    'is not %j',
    (text) => {
      expect(parseIdentity(text)).toBeUndefined()
    },
  )
})
