import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyContentType } from './content-type.ts'

describe('classifyContentType', () => {
  it.each([
    ['application/json', 'json'],
    ['Application/JSON; charset=utf-8', 'json'],
    ['application/json ;charset="a;b"', 'json'],
    ['application/cimd+json', 'json'],
    ['application/ld+json; profile=x', 'json'],
    ['text/plain; charset=utf-8', 'text'],
    ['text/html', 'html'],
    ['application/xhtml+xml', 'html'],
    ['text/json', 'other'],
    ['image/svg+json', 'other'],
    ['application/+json', 'other'],
    ['application/octet-stream', 'other'],
    ['application/json, text/html', 'other'],
    ['application/jsonp', 'other'],
    ['json', 'other'],
    ['', 'other'],
    [undefined, 'other'],
  ])('reads %j as %s (FET-07, FET-08)', (value, expected) => {
    expect(classifyContentType(value)).toBe(expected)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => void classifyContentType(value)))
  })
})
