import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJsonDocument, withoutPrototypes } from './json-document.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('parseJsonDocument', () => {
  it('reads an object, white space around it included (DOC-01)', () => {
    expect(parseJsonDocument(bytes('\n {"a":1}\r\n'))).toEqual({ ok: true, value: { a: 1 } })
  })

  it.each([
    ['encoding_invalid', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
    ['byte_order_mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)],
    ['encoding_invalid', Uint8Array.of(0xed, 0xa0, 0x80)],
    ['json_invalid', bytes('')],
    ['json_invalid', bytes('{"a":1,}')],
    ['json_invalid', bytes('{} {}')],
    ['json_invalid', bytes('// a comment\n{}')],
    ['json_not_object', bytes('[]')],
    ['json_not_object', bytes('null')],
    ['json_not_object', bytes('"{}"')],
    ['duplicate_member', bytes('{"a":1,"a":1}')],
    ['json_unstorable', bytes('{"a":"\\u0000"}')],
    ['json_too_deep', bytes('{"a":'.repeat(17) + 1 + '}'.repeat(17))],
  ])('refuses as %s (DOC-01, DOC-16)', (code, body) => {
    expect(parseJsonDocument(body)).toMatchObject({ ok: false, code })
  })

  it('DOC-16: says where a flaw is', () => {
    const span = { start: 7, end: 10 }
    expect(parseJsonDocument(bytes('{"a":1,"a":1}'))).toMatchObject({
      violations: [{ rule: 'DOC-16', span }],
    })
    expect(parseJsonDocument(bytes('\u{FEFF}{}'))).toMatchObject({
      violations: [{ span: { start: 0, end: 1 } }],
    })
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), (body) => void parseJsonDocument(body)))
    fc.assert(fc.property(fc.json(), (text) => void parseJsonDocument(bytes(text))))
  })
})

describe('withoutPrototypes', () => {
  it('leaves no way to a prototype, at any depth (DOC-16)', () => {
    const copy = withoutPrototypes(JSON.parse('{"a":[{"__proto__":{"x":1},"b":2}],"__proto__":{"y":1}}'))
    expect(JSON.stringify(copy)).toBe('{"a":[{"b":2}]}')
    expect(Object.getPrototypeOf(copy)).toBeNull()
    expect(copy['toString']).toBeUndefined()
    expect(Object.assign({}, copy)).not.toHaveProperty('y')
  })
})
