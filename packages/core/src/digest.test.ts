import { describe, expect, it } from 'vitest'
import { sha256Hex } from './digest.ts'

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

describe('sha256Hex', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', ABC],
    ['é', '4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c'],
  ])('digests the UTF-8 of %j (CHG-09)', (text, expected) => {
    expect(sha256Hex(text)).toBe(expected)
  })

  it('digests bytes as they are (CHG-09)', () => {
    expect(sha256Hex(Uint8Array.of(97, 98, 99))).toBe(ABC)
  })
})
