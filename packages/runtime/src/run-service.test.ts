import { describe, expect, it } from 'vitest'
import { explain } from './run-service.ts'

describe('explain', () => {
  it.each<[string, unknown, string]>([
    ['an error by its message', new Error('no route to host'), 'no route to host'],
    ['an error without a message by its name', new TypeError(), 'TypeError'],
    [
      'what caused it, to the root',
      new Error('cannot start', { cause: new Error('no store', { cause: new Error('refused') }) }),
      'cannot start: no store: refused',
    ],
    ['a cause that is no error', new Error('cannot start', { cause: 'ENOENT' }), 'cannot start: ENOENT'],
    [
      'every error of several without a message of their own',
      new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]),
      '::1 refused; 127.0.0.1 refused',
    ],
    [
      'several errors by the message they have',
      new AggregateError([new Error('a')], 'all failed'),
      'all failed',
    ],
    [
      'several errors as a cause',
      new Error('x', { cause: new AggregateError([new Error('a'), 'b']) }),
      'x: a; b',
    ],
    ['anything else as text', undefined, 'undefined'],
  ])('tells %s', (_, error, expected) => {
    expect(explain(error)).toBe(expected)
  })
})
