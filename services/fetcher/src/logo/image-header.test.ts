import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { IMAGE_FORMATS, type ImageFormat, readImageSize, sniffImage } from './image-header.ts'

const make = (format: ImageFormat, width: number, height: number, frames = 1): Promise<Buffer> =>
  sharp({
    create: {
      width,
      height: height * frames,
      channels: 4,
      background: 'white',
      noise: { type: 'gaussian', mean: 128, sigma: 30 },
      ...(frames > 1 && { pageHeight: height }),
    },
  })
    .toFormat(format)
    .toBuffer()
const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const le16 = (...numbers: number[]) =>
  bytesOf(numbers.map((n) => String.fromCharCode(n & 255, n >> 8)).join(''))

describe('sniffImage (UI-06)', () => {
  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['ICO', '\0\0\x01\0\x01\0\x10\x10'],
    ['AVIF', '\0\0\0\x1cftypavif\0\0\0\0avifmif1'],
    ['BMP', 'BM\x36\0\0\0'],
    ['TIFF', 'II*\0\x08\0\0\0'],
    ['PDF', '%PDF-1.7'],
    ['a PNG after a space', ' \x89PNG\r\n\x1a\n'],
    ['a RIFF of sound', 'RIFF\x24\0\0\0WAVEfmt '],
    ['a later GIF', 'GIF90a'],
    ['nothing', ''],
  ])('knows no %s', (_what, text) => {
    expect(sniffImage(bytesOf(text))).toBeUndefined()
  })
})

describe('readImageSize (UI-06)', () => {
  it.each(IMAGE_FORMATS)('reads what a %s declares', async (format) => {
    const bytes = await make(format, 37, 41)
    expect(sniffImage(bytes)).toBe(format)
    expect(readImageSize(bytes, format)).toEqual({ width: 37, height: 41, frames: 1 })
  })

  it('reads WebP in all its codings', async () => {
    const image = sharp(await make('png', 300, 20))
    for (const options of [{ lossless: true }, { quality: 50, alphaQuality: 50 }, { nearLossless: true }]) {
      const bytes = await image.clone().webp(options).toBuffer()
      expect(readImageSize(bytes, 'webp')).toEqual({ width: 300, height: 20, frames: 1 })
    }
  })

  it.each(['gif', 'webp'] as const)('counts the frames of an animated %s', async (format) => {
    expect(readImageSize(await make(format, 8, 8, 5), format)).toEqual({ width: 8, height: 8, frames: 5 })
  })

  it('takes the frame of a GIF that exceeds its screen, and of a WebP its canvas', () => {
    const frame = Buffer.concat([bytesOf(','), le16(10, 20, 50_000, 40_000), bytesOf('\0\x02\x01\0\0;')])
    const gif = Buffer.concat([bytesOf('GIF89a'), le16(1, 1), bytesOf('\0\0\0'), frame])
    expect(readImageSize(gif, 'gif')).toEqual({ width: 50_010, height: 40_020, frames: 1 })
    const vp8l = bytesOf('VP8L\x05\0\0\0\x2f\xff\xff\xff\x0f\0')
    const vp8x = bytesOf('VP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0')
    const webp = Buffer.concat([bytesOf('RIFF'), le16(36, 0), bytesOf('WEBP'), vp8x, vp8l])
    expect(readImageSize(webp, 'webp')).toEqual({ width: 16_384, height: 16_384, frames: 1 })
  })

  it.each([
    ['png', '\x89PNG\r\n\x1a\n\0\0\0\x0dgAMA\0\0\0\x01\0\0\0\x01'],
    ['jpeg', '\xff\xd8\xff\xc3\0\x0b\x08\0\x01\0\x01\x01\0\0\0'],
    ['jpeg', '\xff\xd8\xff\xda\0\x08'],
    ['jpeg', '\xff\xd8\xff\xe0\0\x02\0\0'],
    ['gif', 'GIF89a\x01\0\x01\0\0\0\0;'],
    ['gif', 'GIF89a\x01\0\x01\0\0\0\0<script>'],
    ['webp', 'RIFF\x04\0\0\0WEBP'],
    ['webp', 'RIFF\xff\xff\xff\xffWEBPVP8 '],
    ['webp', 'RIFF\x0c\0\0\0WEBPVP8 \xff\0\0\0'],
  ] as const)('finds no image in a %s of %j', (format, text) => {
    expect(readImageSize(bytesOf(text), format)).toBeUndefined()
  })

  it.each(IMAGE_FORMATS)(
    'takes any bytes for a %s without an exception, and in time linear in them',
    (format) => {
      const bytes = fc.uint8Array({ maxLength: 4096 })
      fc.assert(
        fc.property(bytes, (given) => {
          const size = readImageSize(given, format)
          if (size !== undefined) expect(Object.values(size).every(Number.isSafeInteger)).toBe(true)
        }),
      )
    },
  )

  it('reads a JPEG whose segments all have the least length, and one of fill bytes, to the end', () => {
    for (const filling of ['\xff\xe0\0\x02', '\xff\xe0\0\0', '\xff']) {
      expect(readImageSize(bytesOf(`\xff\xd8${filling.repeat(65_536)}`), 'jpeg')).toBeUndefined()
    }
  })
})
