import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { IMAGE_FORMATS } from './image-header.ts'
import { runDecoder } from './run-decoder.ts'

const LIMITS = { decodeMs: 60_000, memoryBytes: 256 * 1024 ** 2 }
const noAbort = new AbortController().signal
const create = { width: 8, height: 8, channels: 3, background: 'red' } as const
const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>')

describe('runDecoder (UI-06)', () => {
  it.each(IMAGE_FORMATS)('reads nothing but %s when told to', { timeout: 120_000 }, async (format) => {
    for (const other of IMAGE_FORMATS) {
      const bytes = await sharp({ create }).toFormat(other).toBuffer()
      const { kind } = await runDecoder(bytes, format, LIMITS, noAbort)
      expect(kind, other).toBe(other === format ? 'decoded' : 'undecodable')
    }
    expect((await runDecoder(svg, format, LIMITS, noAbort)).kind).toBe('undecodable')
  })

  it('tells why in printable characters, and not at length', async () => {
    const png = await sharp({ create }).png().toBuffer()
    const decoded = await runDecoder(png.subarray(0, -20), 'png', LIMITS, noAbort)
    expect(decoded).toMatchObject({
      kind: 'undecodable',
      detail: expect.stringMatching(/^[\x20-\x7e]{10,200}$/),
    })
  })
})
