import { describe, expect, it } from 'vitest'
import { collectBody } from './body.ts'

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value)

describe(collectBody, () => {
  it('joins what arrives, however often it has to grow', () => {
    const body = collectBody(100_000)
    body.add(bytes(3000, 1))
    body.add(bytes(3000, 2))
    body.add(bytes(90_000, 3))
    expect(body.taken()).toEqual(new Uint8Array([...bytes(3000, 1), ...bytes(3000, 2), ...bytes(90_000, 3)]))
  })

  it('FET-10: takes exactly the cap and not a byte more', () => {
    const body = collectBody(10)
    body.add(bytes(10))
    expect(() => body.add(bytes(1))).toThrow(expect.objectContaining({ code: 'too_large' }))
    expect(body.taken()).toHaveLength(10)
  })

  it('gives a buffer that holds the body and nothing else', () => {
    const body = collectBody(10)
    body.add(bytes(3))
    expect(body.taken().buffer.byteLength).toBe(3)
  })

  it('is empty when nothing arrived', () => {
    expect(collectBody(10).taken()).toEqual(new Uint8Array())
  })
})
