import { describe, expect, it } from 'vitest'
import { filterOf, filterRequest } from './filter-request.ts'
import { isWanted } from './subscription-filter.ts'

const isValid = (asked: object): boolean => filterRequest.safeParse(asked).success

describe('filterRequest', () => {
  it.each([
    'app.example.com',
    '*.example.com',
    '*.com',
    'xn--bcher-kva.example.com',
    'a-b.example.com',
    `${'a'.repeat(63)}.example.com`,
  ])('takes %s, which matches a client there may be', (pattern) => {
    expect(isValid({ hosts: [pattern] })).toBe(true)
    const clientId = `https://${pattern.replace('*', 'a')}/client.json`
    const event = { type: 'client.discovered', clientId, data: {} }
    expect(isWanted({ hosts: [pattern] }, event)).toBe(true)
  })

  it.each([
    ...['', '*', '*.', '.', 'App.example.com', 'app.example.com.', 'app.example.com:443', ' app.example.com'],
    ...[
      'https://app.example.com',
      'app.example.com/',
      'user@app.example.com',
      'app.*.com',
      '*app.example.com',
    ],
    ...[
      '*.*.example.com',
      '192.0.2.1',
      '[2001:db8::1]',
      'localhost',
      '*.localhost',
      'app.internal',
      'a_b.example.com',
    ],
    ...['bücher.example.com', '-a.example.com', `${'a'.repeat(64)}.example.com`, 'app\t.example.com'],
  ])('refuses %j, which could match none', (pattern) => {
    expect(isValid({ hosts: [pattern] })).toBe(false)
  })

  it.each<[string, object]>([
    ['a type that there is not', { types: ['client.moved'] }],
    ['a class that there is not', { change_classes: ['huge'] }],
    ['an empty list, which would want nothing', { types: [] }],
    ['one thing twice', { hosts: ['a.example.com', 'a.example.com'] }],
    ['a list without end', { hosts: Array.from({ length: 101 }, (_, n) => `a${n}.example.com`) }],
  ])('refuses %s', (_, asked) => {
    expect(isValid(asked)).toBe(false)
  })
})

describe(filterOf, () => {
  it('excludes nothing by what is absent or null', () => {
    const everything = { types: undefined, hosts: undefined, changeClasses: undefined }
    expect(filterOf({})).toEqual(everything)
    expect(filterOf({ types: null, hosts: null, change_classes: null })).toEqual(everything)
  })

  it('is what was asked for', () => {
    expect(filterOf({ types: ['client.stale'], hosts: ['*.example.com'], change_classes: ['keys'] })).toEqual(
      { types: ['client.stale'], hosts: ['*.example.com'], changeClasses: ['keys'] },
    )
  })
})
