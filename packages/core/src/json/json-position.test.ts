import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isJsonObject, type JsonValue } from './json.ts'
import { escapePointer, locateJson } from './json-position.ts'

function valueAt(text: string, pointer: string) {
  const place = locateJson(text, pointer)
  return place && text.slice(place.value.start, place.value.end)
}

function nameAt(text: string, pointer: string) {
  const name = locateJson(text, pointer)?.name
  return name && text.slice(name.start, name.end)
}

const TEXT = '{ "a" : [1, {"b/c": "x,y:{", "d~": null}, []], "e": -1.5e3, "\\u0066": true, "": false }'

describe('locateJson', () => {
  it.each([
    ['', TEXT],
    ['/a', '[1, {"b/c": "x,y:{", "d~": null}, []]'],
    ['/a/0', '1'],
    ['/a/1', '{"b/c": "x,y:{", "d~": null}'],
    ['/a/1/b~1c', '"x,y:{"'],
    ['/a/1/d~0', 'null'],
    ['/a/2', '[]'],
    ['/e', '-1.5e3'],
    ['/f', 'true'],
    ['/', 'false'],
  ])('finds %j', (pointer, expected) => {
    expect(valueAt(TEXT, pointer)).toBe(expected)
  })

  it.each(['/x', '/a/3', '/a/00', '/a/1/b', '/e/0', 'a', '/a/'])('finds nothing at %j', (pointer) => {
    expect(locateJson(TEXT, pointer)).toBeUndefined()
  })

  it('gives the name of a member, and none of an item or of the whole', () => {
    expect(nameAt(TEXT, '/f')).toBe('"\\u0066"')
    expect(nameAt(TEXT, '/a/1/b~1c')).toBe('"b/c"')
    expect(nameAt(TEXT, '/a/0')).toBeUndefined()
    expect(nameAt(TEXT, '')).toBeUndefined()
  })

  it.each([
    ['a long name', `{"${'~/'.repeat(16_000)}":[${Array(16_000).fill('1').join(',')}],"a":1}`],
    ['deep nesting', `{"x":${'['.repeat(30_000)}${']'.repeat(30_000)},"a":1}`],
  ])('DOC-16: is done with %s soon', (_, text) => {
    // Of the processor, which no pause of the machine counts for.
    const before = process.threadCpuUsage()
    expect(valueAt(text, '/a')).toBe('1')
    expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(500)
  })

  it('follows a long name, and the right one of two that begin alike', () => {
    const name = '~/'.repeat(1000)
    const text = JSON.stringify({ x: { a: 1 }, [name]: { a: 2 }, y: [{ a: 3 }] })
    expect(valueAt(text, `/${escapePointer(name)}/a`)).toBe('2')
    expect(valueAt(text, '/y/0/a')).toBe('3')
    expect(valueAt(text, '/a')).toBeUndefined()
  })

  it('finds a text that is a single value', () => {
    expect(valueAt(' "x" ', '')).toBe('"x"')
    expect(valueAt('1', '')).toBe('1')
    expect(locateJson('', '')).toBeUndefined()
  })

  it('gives nothing, or something, of what is not JSON, and never throws', () => {
    expect(locateJson(',', '/0')).toBeUndefined()
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom('', '/', '/a'),
        (text, pointer) => void locateJson(text, pointer),
      ),
    )
  })

  it('finds every value of whatever JSON.stringify wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        for (const [pointer, item] of walk(JSON.parse(text), '')) {
          expect(JSON.parse(valueAt(text, pointer) ?? '')).toEqual(item)
        }
      }),
    )
  })
})

function* walk(value: JsonValue, pointer: string): Generator<[string, JsonValue]> {
  yield [pointer, value]
  const entries = Array.isArray(value) || isJsonObject(value) ? Object.entries(value) : []
  for (const [key, item] of entries) yield* walk(item as JsonValue, `${pointer}/${escapePointer(key)}`)
}
