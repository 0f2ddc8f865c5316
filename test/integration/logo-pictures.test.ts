import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { gifOf, IMAGE_FORMATS, imageOf, noise } from '../harness/images.ts'
import { expectTaken } from './logo-bundle.ts'

const SIZE = { width: 64, height: 48 }
const png = await imageOf('png')
const RED = { ...SIZE, channels: 3, background: '#e01020' } as const

/** The colour of one pixel of a picture of ours. */
async function pixel(body: Uint8Array, left: number, top: number): Promise<number[]> {
  const one = sharp(Buffer.from(body)).extract({ left, top, width: 1, height: 1 })
  return [...(await one.removeAlpha().raw().toBuffer())]
}

describe('a logo is encoded anew (UI-06)', () => {
  it.each(IMAGE_FORMATS)('from a %s, with its size and its colours', async (format) => {
    const logo = await expectTaken(await sharp({ create: RED }).toFormat(format).toBuffer())
    expect(logo).toMatchObject(SIZE)
    const [red = 0, green = 255, blue = 255] = await pixel(logo.body, 30, 20)
    expect(Math.abs(red - 0xe0) + Math.abs(green - 0x10) + Math.abs(blue - 0x20)).toBeLessThan(24)
  })

  it('keeps what is transparent transparent', async () => {
    const half = { ...RED, channels: 4, background: { r: 224, g: 16, b: 32, alpha: 0.5 } } as const
    const { body } = await expectTaken(await sharp({ create: half }).png().toBuffer())
    expect((await sharp(Buffer.from(body)).raw().toBuffer())[3]).toBe(128)
  })

  it.each([
    [
      { width: 4096, height: 4096 },
      { width: 512, height: 512 },
    ],
    [
      { width: 1024, height: 256 },
      { width: 512, height: 128 },
    ],
    [
      { width: 4096, height: 1 },
      { width: 512, height: 1 },
    ],
    [
      { width: 1, height: 1 },
      { width: 1, height: 1 },
    ],
    [
      { width: 512, height: 300 },
      { width: 512, height: 300 },
    ],
  ])('of %j as %j', async (size, expected) => {
    const flat = sharp({ create: { ...RED, ...size } })
    expect(await expectTaken(await flat.png().toBuffer())).toMatchObject(expected)
  })

  it('of the worst picture is no larger than is stored', async () => {
    await expectTaken(await noise({ width: 512, height: 512 }).webp({ quality: 90 }).toBuffer())
  })

  it('the same bytes give the same picture, so that nothing seems to have changed', async () => {
    const bytes = await imageOf('png')
    const [first, second] = [await expectTaken(bytes), await expectTaken(bytes)]
    expect(Buffer.compare(first.body, second.body)).toBe(0)
  })
})

describe('an odd image that is valid is taken (UI-06)', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['a CMYK JPEG', () => sharp(png).toColourspace('cmyk').jpeg().toBuffer()],
    ['a grey JPEG', () => sharp(png).toColourspace('b-w').jpeg().toBuffer()],
    ['a progressive JPEG', () => sharp(png).jpeg({ progressive: true }).toBuffer()],
    ['a JPEG without subsampling', () => sharp(png).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer()],
    ['a PNG of 16 bits', () => sharp(png).toColourspace('rgb16').png().toBuffer()],
    ['an interlaced PNG', () => sharp(png).png({ progressive: true }).toBuffer()],
    ['a PNG with a palette', () => sharp(png).png({ palette: true, colours: 4 }).toBuffer()],
    ['a PNG of greys with alpha', () => sharp(png).ensureAlpha(0.5).toColourspace('b-w').png().toBuffer()],
    ['a lossless WebP', () => sharp(png).webp({ lossless: true }).toBuffer()],
    ['a PNG of display P3', () => sharp(png).withIccProfile('p3').png().toBuffer()],
  ])('%s', async (_what, make) => {
    expect(await expectTaken(await make())).toMatchObject(SIZE)
  })

  it.each(['gif', 'webp'] as const)('an animated %s, as its first frame', async (format) => {
    const frames = await noise({ width: 64, height: 240 }, 48).toFormat(format).toBuffer()
    expect((await sharp(frames).metadata()).pages).toBe(5)
    expect(await expectTaken(frames)).toMatchObject(SIZE)
  })

  it('a GIF of frames without end, as its first', async () => {
    await expectTaken(gifOf(SIZE, 500))
  })

  it('a photo that lies on its side, upright', async () => {
    const lying = sharp(png).withMetadata({ orientation: 6 })
    expect(await expectTaken(await lying.jpeg().toBuffer())).toMatchObject({ width: 48, height: 64 })
  })
})
