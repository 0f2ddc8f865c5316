import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countHeadLines } from './read-gate.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const FINAL = 'HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n\r\n'
const INTERIM = 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'

describe(countHeadLines, () => {
  it.each([
    ['a final head, and nothing of the body', `${FINAL}{\n\n\n}`, 4],
    ['interim heads and the final one', `${INTERIM}${INTERIM}${FINAL}\n\n`, 10],
    ['a head that has not ended', 'HTTP/1.1 200 OK\r\na: b\r\n', 2],
    ['lines that end in a bare line feed', 'HTTP/1.1 200 OK\na: b\n\n\n\n', 3],
    ['what is no HTTP at all', 'x\n'.repeat(300), 300],
    ['HTTP/1.0, too', 'HTTP/1.0 100 x\r\n\r\nHTTP/1.0 200 OK\r\n\r\n\n', 4],
  ])('FET-11: counts %s', (_what, text, lines) => {
    expect(countHeadLines().count(bytes(text))).toBe(lines)
  })

  it('FET-11: counts the same however the bytes arrive', () => {
    const whole = bytes(`${INTERIM}${FINAL}{\n}`)
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 6 }), (cuts) => {
        const counter = countHeadLines()
        const edges = [0, ...cuts.toSorted((a, b) => a - b), whole.length]
        const counts = edges.slice(1).map((end, at) => counter.count(whole.subarray(edges[at], end)))
        return counts.at(-1) === 7
      }),
    )
  })
})
