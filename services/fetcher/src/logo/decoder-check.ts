import type { EncodeLogo } from './encode-logo.ts'

/** What finding out whether logos can be decoded here needs from the world. */
export type DecoderCheckDeps = {
  readonly encodeLogo: EncodeLogo
  /** Told once, with the reason, that none can. */
  readonly onBroken: (reason: unknown) => void
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number
}

/** A machine too busy to start a decoder in time need not stay without one. */
const TRIED_AGAIN_AFTER_MS = 10 * 60_000

/** A PNG of one pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

/**
 * Tells whether logos can be decoded here, by decoding one; while none can it tries again from time to time. Never rejects.
 * A logo nobody can decode must not be fetched, nor held against its publisher.
 */
export function createDecoderCheck(deps: DecoderCheckDeps, signal: AbortSignal): () => Promise<boolean> {
  let latest: { readonly works: Promise<boolean>; readonly triedAtMs: number } | undefined
  let [isBroken, isTold] = [false, false]

  const check = async (): Promise<boolean> => {
    const reason = await reasonAgainst(deps.encodeLogo, signal)
    isBroken = reason !== undefined
    if (isBroken && !isTold && !signal.aborted) {
      isTold = true
      deps.onBroken(reason)
    }
    return !isBroken
  }
  return () => {
    const nowMs = deps.monotonicMs()
    const isOver = latest !== undefined && isBroken && nowMs - latest.triedAtMs >= TRIED_AGAIN_AFTER_MS
    if (latest === undefined || isOver) latest = { works: check(), triedAtMs: nowMs }
    return latest.works
  }
}

async function reasonAgainst(encodeLogo: EncodeLogo, signal: AbortSignal): Promise<unknown> {
  try {
    const logo = await encodeLogo(Buffer.from(PIXEL, 'base64'), signal)
    return logo.kind === 'encoded' ? undefined : new Error(`${logo.code}: ${logo.detail}`)
  } catch (error) {
    return error
  }
}
