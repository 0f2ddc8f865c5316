import { describe, expect, it } from 'vitest'
import { createDeduplicator } from './deduplicator.ts'
import { knownEvent } from './known-event.ts'

const EVENT = {
  ...{ specversion: '1.0' as const, id: '1', source: '/test', time: '2026-11-20T12:00:00Z' },
  datacontenttype: 'application/json',
} as const

describe(knownEvent, () => {
  it('gives what a type says its data is', () => {
    const event = knownEvent({
      ...EVENT,
      type: 'client.discovered',
      data: { digest: 'a'.repeat(64), later: 1 },
    })
    if (event?.type !== 'client.discovered') throw new Error('it is one')
    expect(event.data.digest).toBe('a'.repeat(64))
  })

  it.each([
    ['a type of a later release', 'client.painted', {}],
    ['a type that only looks like one', 'toString', {}],
    ['data that is not as it should be', 'client.discovered', { digest: 1 }],
  ])('is undefined for %s', (_, type, data) => {
    expect(knownEvent({ ...EVENT, type, data })).toBeUndefined()
  })
})

describe(createDeduplicator, () => {
  it('knows an event the second time, as long as it remembers', () => {
    const { isNew } = createDeduplicator({ remembered: 2 })
    expect(['a', 'b', 'a', 'c', 'b', 'a'].map((id) => isNew({ id }))).toEqual([
      ...[true, true, false, true, false, true],
    ])
  })

  it('remembers many without being told how many', () => {
    const { isNew } = createDeduplicator()
    const ids = Array.from({ length: 50_000 }, (_, n) => String(n))
    expect(ids.filter((id) => isNew({ id }))).toHaveLength(50_000)
    expect(ids.filter((id) => isNew({ id }))).toEqual([])
  })
})
