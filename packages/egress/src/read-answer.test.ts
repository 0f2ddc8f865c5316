import { describe, expect, it } from 'vitest'
import { readAnswer } from './read-answer.ts'

const NOW_MS = Date.parse('2026-11-20T12:00:00Z')
const read = (bytesMax: number) => readAnswer(bytesMax, () => NOW_MS)
const ok = (headers: readonly (readonly [string, readonly string[]])[] = []) => ({
  status: 200,
  headers: new Map(headers),
})
const bytes = (text: string) => new TextEncoder().encode(text)

/** What is shown of a body that arrives in one piece. */
function shown(body: string | Uint8Array, bytesMax = 1024): string | undefined {
  const reader = read(bytesMax)
  reader.head(ok())
  reader.data(typeof body === 'string' ? bytes(body) : body)
  return reader.seen()?.bodyText
}

describe(readAnswer, () => {
  it('has nothing before the head, and the answer so far from then on', () => {
    const reader = read(10)
    expect(reader.seen()).toBeUndefined()
    reader.head(ok())
    expect(reader.seen()).toEqual({ status: 200, bodyText: '' })
    reader.data(bytes('abc'))
    expect(reader.seen()).toEqual({ status: 200, bodyText: 'abc' })
    expect(reader.end()).toEqual({ status: 200, bodyText: 'abc' })
  })

  it.each([
    ['120', 120],
    ['Fri, 20 Nov 2026 12:02:00 GMT', 120],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['9999999999', 86_400],
    ['99999999999999999999', undefined],
    ['-1', undefined],
    ['soon', undefined],
  ])('reads a Retry-After of %s as %s', (value, retryAfterSeconds) => {
    const reader = read(10)
    reader.head(ok([['retry-after', [value]]]))
    expect(reader.end().retryAfterSeconds).toBe(retryAfterSeconds)
  })

  it('takes no Retry-After of two', () => {
    const reader = read(10)
    reader.head(ok([['retry-after', ['1', '2']]]))
    expect(reader.end()).toEqual({ status: 200, bodyText: '' })
  })

  it('FET-10: keeps what fits and is content once nothing more does', () => {
    const reader = read(10)
    reader.head(ok())
    expect(reader.data(bytes('12345678'))).toBeUndefined()
    expect(reader.data(bytes('90 and more'))).toEqual({ status: 200, bodyText: '1234567890' })
  })

  it('shows nothing where nothing is to be kept', () => {
    expect(shown('text', 0)).toBe('')
  })

  it('shows text without what moves a cursor, breaks a line or turns what follows', () => {
    expect(shown('a\u001b[31mb\r\nc\td\u0000e\u0085f')).toBe('a[31mbcdef')
    expect(shown('a\u202eb\u200bc\u2028d\u2029e\u2066f')).toBe('abcdef')
    expect(shown('grüße, 日本 \u{1f600}')).toBe('grüße, 日本 \u{1f600}')
  })

  it('shows what is no text as replaced, and leaves out a character that was cut in two', () => {
    expect(shown(new Uint8Array([0x61, 0xff, 0x62]))).toBe('a\ufffdb')
    expect(shown('ab\u00e9', 3)).toBe('ab')
  })
})
