import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import {
  blackPng,
  deflatedZeros,
  gifComment,
  gifOf,
  IMAGE_FORMATS,
  imageOf,
  insertAt,
  jpegHeader,
  jpegOfManyScans,
  jpegSegment,
  PNG_END,
  pngChunk,
  pngHeader,
  pngOf,
  uint32,
  webpOf,
} from '../harness/images.ts'
import { encodeWithinBounds, expectRefusedUnread, expectTaken, MARK, MIB, SCRIPT } from './logo-bundle.ts'

const HUGE = { width: 50_000, height: 50_000 }
const LARGEST = { width: 4096, height: 4096 }
const SMALL = { width: 10, height: 10 }
/** As many bytes as are read of a logo. */
const BODY_BYTES_MAX = 262_144

const uint24 = (value: number): Buffer => Buffer.from([value, value >> 8, value >> 16])
const vp8x = (width: number, height: number): readonly [string, Buffer] => [
  'VP8X',
  Buffer.concat([Buffer.alloc(4), uint24(width - 1), uint24(height - 1)]),
]
const vp8 = (width: number, height: number): readonly [string, Buffer] => [
  'VP8 ',
  Buffer.from([0, 0, 0, 0x9d, 1, 0x2a, width, width >> 8, height, height >> 8, ...Buffer.alloc(16)]),
]

describe('an image that declares too much is refused unread (UI-06)', () => {
  it.each<[string, Buffer]>([
    ['a PNG of 50,000 x 50,000', pngOf(pngHeader(HUGE), pngChunk('IDAT', deflatedZeros(4 * MIB)))],
    ['a PNG of 2^32-1 x 2^32-1', pngOf(pngHeader({ width: 2 ** 32 - 1, height: 2 ** 32 - 1 }))],
    ['a PNG of 1 x 50,000', pngOf(pngHeader({ width: 1, height: 50_000 }))],
    ['a JPEG of 50,000 x 50,000', jpegHeader(HUGE)],
    ['a GIF of 50,000 x 50,000', gifOf(HUGE, 1)],
    ['a WebP canvas of 50,000 x 50,000', webpOf(vp8x(50_000, 50_000), vp8(10, 10))],
    ['a WebP of 16,383 x 16,383 in a canvas of 10 x 10', webpOf(vp8x(10, 10), vp8(16_383, 16_383))],
    ['a PNG of no width', pngOf(pngHeader({ width: 0, height: 10 }))],
    ['a JPEG of no height', jpegHeader({ width: 10, height: 0 })],
    ['a GIF of no size', Buffer.from(gifOf({ width: 0, height: 0 }, 1).with(24, 0).with(26, 0))],
    ['a WebP of no size', webpOf(vp8(0, 0))],
  ])('%s', async (_what, bytes) => {
    await expectRefusedUnread(bytes, 'logo_dimensions')
  })

  it('a GIF of 10,000 frames', async () => {
    const gif = gifOf(SMALL, 10_000)
    expect(gif.length).toBeLessThan(BODY_BYTES_MAX)
    await expectRefusedUnread(gif, 'logo_frames')
  })

  it('a WebP of 10,000 frames', async () => {
    const frames = Array.from({ length: 10_000 }, () => ['ANMF', Buffer.alloc(16)] as const)
    await expectRefusedUnread(webpOf(vp8x(10, 10), ...frames), 'logo_frames')
  })
})

describe('what is no image of the four formats is refused unread, whatever it is served as (UI-06)', () => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>alert(1)</script></svg>`
  it.each<[string, Buffer]>([
    ['SVG with a script', Buffer.from(svg)],
    [
      'SVG with an entity',
      Buffer.from(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg}`),
    ],
    ['SVG after a byte order mark', Buffer.from(`\ufeff${svg}`)],
    ['HTML', Buffer.from(`<!doctype html>${SCRIPT}`)],
    [
      'an icon of one PNG',
      Buffer.concat([Buffer.from([0, 0, 1, 0, 1, 0]), Buffer.alloc(16), blackPng(SMALL)]),
    ],
    ['AVIF', Buffer.from('\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf', 'latin1')],
    ['TIFF', Buffer.from('II*\0\x08\0\0\0', 'latin1')],
    ['a PNG whose magic was broken as text', insertAt(blackPng(SMALL), 4, Buffer.from('\n'))],
    ['a script before a GIF', Buffer.concat([Buffer.from('alert(1)//'), gifOf(SMALL, 1)])],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_what, bytes) => {
    await expectRefusedUnread(bytes, 'logo_type')
  })

  it.each(['GIF89a/*', 'GIF89a=1;'])('a GIF whose header is script, %s, declares too much', async (start) => {
    const gif = gifOf(SMALL, 1)
    gif.write(start, 'latin1')
    await expectRefusedUnread(gif, 'logo_dimensions')
  })
})

describe('a decompression bomb stays within bounds (UI-06)', () => {
  const zeros = deflatedZeros(100 * MIB)
  const text = (type: string, head: string): Buffer =>
    pngChunk(type, Buffer.concat([Buffer.from(head, 'latin1'), zeros]))

  it.each<[string, () => Buffer | Promise<Buffer>]>([
    [
      'text of 200 MiB in two zTXt',
      () => blackPng(SMALL, 1, 8, [text('zTXt', 'a\0\0'), text('zTXt', 'b\0\0')]),
    ],
    ['a colour profile of 100 MiB', () => blackPng(SMALL, 3, 8, [text('iCCP', 'p\0\0')])],
    ['XMP of 100 MiB', () => blackPng(SMALL, 1, 8, [text('iTXt', 'XML:com.adobe.xmp\0\x01\0\0\0')])],
    ['100 MiB where 110 bytes belong', () => pngOf(pngHeader(SMALL), pngChunk('IDAT', zeros))],
    ['the most pixels, of 8 bytes each', () => blackPng(LARGEST, 4, 16)],
    ['the most pixels of a GIF, 499 times', () => gifOf(LARGEST, 499)],
    ['scans without end', () => jpegOfManyScans(LARGEST, BODY_BYTES_MAX)],
    [
      'the most pixels in a hundred bytes of WebP',
      () =>
        sharp({ create: { ...LARGEST, channels: 4, background: '#f008' } })
          .webp({ lossless: true })
          .toBuffer(),
    ],
  ])('%s: what is shown of it is clean', async (_what, make) => {
    const bomb = await make()
    expect(bomb.length).toBeLessThan(BODY_BYTES_MAX)
    await expectTaken(bomb)
  })

  it('the most pixels, of 8 bytes each and interlaced, are more than the memory', async () => {
    const rows = 4096 * (1 + 4096 * 8) + 4096 * 16
    const header = pngHeader(LARGEST, { depth: 16, colour: 6, interlaced: true })
    const { logo } = await encodeWithinBounds(pngOf(header, pngChunk('IDAT', deflatedZeros(rows))))
    expect(logo).toMatchObject({ kind: 'refused', code: 'logo_too_costly' })
  })

  it.each<[string, () => Buffer]>([
    ['PNG', () => pngOf(pngHeader(SMALL), pngHeader(HUGE), pngChunk('IDAT', deflatedZeros(110)))],
    [
      'JPEG',
      () => Buffer.concat([jpegHeader(SMALL), jpegHeader(HUGE).subarray(2), Buffer.from([0xff, 0xd9])]),
    ],
  ])('a second header of 50,000 x 50,000 in a %s changes nothing', async (_format, make) => {
    const { logo } = await encodeWithinBounds(make())
    expect(logo).toMatchObject({ kind: 'refused', code: 'logo_malformed' })
  })
})

describe('nothing but the picture survives (UI-06)', () => {
  const zip = Buffer.concat([
    Buffer.from('PK\x03\x04'),
    Buffer.from(MARK),
    Buffer.from('PK\x05\x06'),
    Buffer.alloc(18),
  ])
  const script = Buffer.from(SCRIPT)

  it.each(IMAGE_FORMATS)('a script after the end of a %s', async (format) => {
    await expectTaken(Buffer.concat([await imageOf(format), script]))
  })

  it.each<[string, () => Buffer | Promise<Buffer>]>([
    ['GIF and script', () => gifOf(SMALL, 1, gifComment(`*/alert("${MARK}")/*`))],
    [
      'PNG and HTML',
      () => Buffer.concat([blackPng(SMALL, 1, 8, [pngChunk('tEXt', Buffer.from(`a\0${SCRIPT}`))]), script]),
    ],
    ['JPEG and ZIP', async () => Buffer.concat([await imageOf('jpeg'), zip])],
    ['JPEG with a ZIP in a comment', async () => insertAt(await imageOf('jpeg'), 2, jpegSegment(0xfe, zip))],
    ['PNG and PNG', () => Buffer.concat([blackPng(SMALL), pngOf(pngHeader(HUGE)), script])],
  ])('of a polyglot of %s', async (_what, make) => {
    await expectTaken(await make())
  })

  it.each(['png', 'jpeg', 'webp'] as const)('of EXIF, XMP and a colour profile in a %s', async (format) => {
    const image = sharp(await imageOf('png'))
      .withExif({ IFD0: { ImageDescription: SCRIPT, Copyright: MARK } })
      .withXmp(
        `<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/">${SCRIPT}</x:xmpmeta><?xpacket end="w"?>`,
      )
    const bytes = await image.withIccProfile('p3').toFormat(format).toBuffer()
    expect(bytes.toString('latin1')).toContain(MARK)
    await expectTaken(bytes)
  })
})

describe('a broken image is refused (UI-06)', () => {
  it.each(IMAGE_FORMATS)('a %s cut at every sixteenth', { timeout: 180_000 }, async (format) => {
    const whole = await imageOf(format)
    for (let sixteenth = 0; sixteenth < 16; sixteenth++) {
      const { logo } = await encodeWithinBounds(
        whole.subarray(0, Math.floor((whole.length * sixteenth) / 16)),
      )
      const code = sixteenth === 0 ? 'logo_type' : 'logo_malformed'
      expect(logo, `at ${sixteenth}/16`).toMatchObject({ kind: 'refused', code })
    }
  })

  it.each<[string, () => Buffer]>([
    ['a wrong checksum of IHDR', () => damaged(blackPng(SMALL), 'IHDR', 4 + 13)],
    ['a wrong checksum of IDAT', () => damaged(blackPng(SMALL), 'IDAT', 4 + deflatedZeros(110).length)],
    [
      'pixels that are no deflate stream',
      () => pngOf(pngHeader(SMALL), pngChunk('IDAT', Buffer.alloc(50, 0xff))),
    ],
    ['no pixels', () => pngOf(pngHeader(SMALL))],
    [
      'a chunk without end',
      () => Buffer.concat([pngOf(pngHeader(SMALL)), uint32(2 ** 31), Buffer.from('IDAT')]),
    ],
    [
      'a chunk nobody knows that is critical',
      () => blackPng(SMALL, 1, 8, [pngChunk('XXXX', Buffer.alloc(4))]),
    ],
    ['its end in the middle', () => pngOf(pngHeader(SMALL), PNG_END, pngChunk('IDAT', deflatedZeros(110)))],
    [
      'an impossible depth',
      () => pngOf(pngHeader(SMALL, { depth: 3 }), pngChunk('IDAT', deflatedZeros(110))),
    ],
  ])('a PNG with %s', async (_what, make) => {
    const { logo } = await encodeWithinBounds(make())
    expect(logo).toMatchObject({ kind: 'refused', code: 'logo_malformed' })
  })
})

function damaged(image: Buffer, after: string, at: number): Buffer {
  const place = image.indexOf(after) + at
  return Buffer.from(image.with(place, (image[place] ?? 0) ^ 0xff))
}
