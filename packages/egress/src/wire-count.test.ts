import { classOf, type FailureCode, type FetchPhase } from '@cimd/core'
import { describe, expect, it } from 'vitest'
import type { FetchError } from './fetch-error.ts'
import { countWire } from './wire-count.ts'

describe(countWire, () => {
  const failuresOf = (count: ReturnType<typeof countWire>, phase: FetchPhase = 'body') => {
    const failures: FetchError[] = []
    count.check(phase, (error) => failures.push(error))
    return failures.map(({ code }) => code)
  }

  it('counts nothing before a connection', () => {
    const count = countWire()
    expect(failuresOf(count)).toEqual([])
    expect(count.evidence()).toEqual({})
  })

  it('FET-11: fails beyond the bound, not at it', () => {
    const socket = { bytesRead: 0 }
    const count = countWire()
    count.bound(socket, 10)
    socket.bytesRead = 10
    expect(failuresOf(count)).toEqual([])
    socket.bytesRead = 11
    expect(failuresOf(count)).toEqual(['tls_failed'])
    expect(count.evidence()).toEqual({ wireBytes: 11 })
  })

  it.each<[FetchPhase, FailureCode]>([
    ['connect', 'connect_failed'],
    ['tls', 'tls_failed'],
    ['headers', 'tls_failed'],
    ['body', 'tls_failed'],
  ])(
    'FET-24: does not blame the publisher for bytes that TLS does not vouch for, in phase %s',
    (phase, code) => {
      const socket = { bytesRead: 0 }
      const count = countWire()
      count.bound(socket, 10)
      socket.bytesRead = 11
      expect(failuresOf(count, phase)).toEqual([code])
      expect(classOf(code)).toBe('unreachable')
    },
  )

  it('FET-11: counts nothing that came before, such as the answer of a proxy', () => {
    const socket = { bytesRead: 1000 }
    const count = countWire()
    count.bound(socket, 10)
    socket.bytesRead = 1010
    expect(failuresOf(count)).toEqual([])
    expect(count.evidence()).toEqual({ wireBytes: 10 })
    socket.bytesRead = 1011
    expect(failuresOf(count)).toEqual(['tls_failed'])
  })
})
