import { describe, expect, it } from 'vitest'
import { createDecoderCheck } from './decoder-check.ts'
import { createEncodeLogo, type EncodeLogo } from './encode-logo.ts'

const TEN_MINUTES_MS = 600_000
const LIMITS = { decodeMs: 60_000, memoryBytes: 256 * 1024 ** 2 }
const encoded: EncodeLogo = async (body) => ({
  ...{ kind: 'encoded', body, contentType: 'image/webp', width: 1, height: 1 },
})
const broken: EncodeLogo = () => Promise.reject(new Error('the image decoder did not start'))

/** A check of decoders that behave like these in turn, the last of them from then on. */
function setup(...decoders: [EncodeLogo, ...EncodeLogo[]]) {
  const reasons: unknown[] = []
  const stopping = new AbortController()
  const state = { tries: 0, nowMs: 5000 }
  const encodeLogo: EncodeLogo = (...given) => {
    state.tries += 1
    return (decoders[state.tries - 1] ?? decoders.at(-1) ?? encoded)(...given)
  }
  const onBroken = (reason: unknown): unknown => reasons.push(reason)
  const deps = { encodeLogo, onBroken, monotonicMs: () => state.nowMs }
  return { canDecode: createDecoderCheck(deps, stopping.signal), reasons, state, stopping }
}

describe('createDecoderCheck (UI-06)', () => {
  it('finds that a real decoder works', async () => {
    const { canDecode, reasons } = setup(createEncodeLogo(LIMITS))
    expect(await canDecode()).toBe(true)
    expect(reasons).toEqual([])
  })

  it('tries one that works once, however often and by how many it is asked', async () => {
    const { canDecode, state } = setup(encoded)
    expect(await Promise.all([canDecode(), canDecode()])).toEqual([true, true])
    state.nowMs += TEN_MINUTES_MS
    expect(await canDecode()).toBe(true)
    expect(state.tries).toBe(1)
  })

  it.each<[string, EncodeLogo, string]>([
    ['cannot start', broken, 'the image decoder did not start'],
    [
      'crashes over a sound picture',
      async () => ({ kind: 'refused', code: 'logo_decoder_crashed', detail: 'SIGILL' }),
      'logo_decoder_crashed: SIGILL',
    ],
  ])('finds that one that %s does not work, and tells why once', async (_, decoder, reason) => {
    const { canDecode, reasons, state } = setup(decoder)
    expect(await canDecode()).toBe(false)
    state.nowMs += TEN_MINUTES_MS
    expect(await canDecode()).toBe(false)
    expect(state.tries).toBe(2)
    expect(reasons).toEqual([new Error(reason)])
  })

  it('tries a broken one again after ten minutes, and not before', async () => {
    const { canDecode, state } = setup(broken, encoded)
    expect(await canDecode()).toBe(false)
    state.nowMs += TEN_MINUTES_MS - 1
    expect(await canDecode()).toBe(false)
    state.nowMs += 1
    expect(await canDecode()).toBe(true)
  })

  it('blames no decoder for what a shutdown cut short', async () => {
    const { canDecode, reasons, stopping } = setup(async () => {
      stopping.abort(new Error('stopping'))
      throw stopping.signal.reason
    })
    expect(await canDecode()).toBe(false)
    expect(reasons).toEqual([])
  })
})
