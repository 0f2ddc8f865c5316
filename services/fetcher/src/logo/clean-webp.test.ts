import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { sizeOfCleanWebp } from './clean-webp.ts'

const picture = sharp({ create: { width: 30, height: 20, channels: 4, background: '#f008' } })
const webp = await picture.clone().webp().toBuffer()

describe('sizeOfCleanWebp (UI-06)', () => {
  it('gives the size of a still picture without metadata', async () => {
    expect(sizeOfCleanWebp(webp)).toEqual({ width: 30, height: 20 })
    expect(sizeOfCleanWebp(await picture.clone().webp({ lossless: true }).toBuffer())).toBeDefined()
    expect(sizeOfCleanWebp(await picture.clone().removeAlpha().webp().toBuffer())).toBeDefined()
  })

  it.each<[string, () => Uint8Array | Promise<Uint8Array>]>([
    ['another format', () => picture.clone().png().toBuffer()],
    ['bytes after its end', () => Buffer.concat([webp, Buffer.from('<script>')])],
    ['a missing end', () => webp.subarray(0, -2)],
    [
      'EXIF data',
      () =>
        picture
          .clone()
          .withExif({ IFD0: { Copyright: 'x' } })
          .webp()
          .toBuffer(),
    ],
    ['a colour profile', () => picture.clone().withIccProfile('p3').webp().toBuffer()],
    ['more pixels than are stored', () => picture.clone().resize(513, 10, { fit: 'fill' }).webp().toBuffer()],
    ['nothing', () => new Uint8Array()],
  ])('takes no picture with %s', async (_what, make) => {
    expect(sizeOfCleanWebp(await make())).toBeUndefined()
  })

  it('takes no animation', async () => {
    const create = { width: 8, height: 16, pageHeight: 8, channels: 4, background: 'red' } as const
    const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const
    expect(
      sizeOfCleanWebp(
        await sharp({ create: { ...create, noise } })
          .webp()
          .toBuffer(),
      ),
    ).toBeUndefined()
  })
})
