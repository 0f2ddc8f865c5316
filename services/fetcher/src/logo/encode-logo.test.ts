import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { logoOf } from './encode-logo.ts'

const picture = sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } })

describe('logoOf (UI-06)', () => {
  it('takes a clean picture, and its size from the bytes', async () => {
    const body = await picture.clone().webp().toBuffer()
    const size = { width: 30, height: 20 }
    expect(logoOf({ kind: 'decoded', body })).toEqual({
      kind: 'encoded',
      body,
      contentType: 'image/webp',
      ...size,
    })
  })

  it.each<[string, () => Promise<Buffer>]>([
    ['HTML', async () => Buffer.from('<script>alert(1)</script>')],
    ['another format', () => picture.clone().png().toBuffer()],
    [
      'a picture with a tail',
      async () => Buffer.concat([await picture.clone().webp().toBuffer(), Buffer.from('x')]),
    ],
    ['nothing', async () => Buffer.alloc(0)],
  ])('takes %s from no process, though it ended well', async (_what, make) => {
    const refused = { kind: 'refused', code: 'logo_decoder_crashed' }
    expect(logoOf({ kind: 'decoded', body: await make() })).toMatchObject(refused)
  })

  it.each([
    ['undecodable', 'logo_malformed'],
    ['too_costly', 'logo_too_costly'],
    ['crashed', 'logo_decoder_crashed'],
  ] as const)('gives what is %s the code %s', (kind, code) => {
    expect(logoOf({ kind, detail: 'why' })).toEqual({ kind: 'refused', code, detail: 'why' })
  })
})
