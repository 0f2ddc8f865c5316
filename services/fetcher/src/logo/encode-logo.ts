import type { FailureCode } from '@cimd/core'
import { sizeOfCleanWebp } from './clean-webp.ts'
import type { DecoderLimits } from './decoder-command.ts'
import { INPUT_SIDE_MAX } from './decoder-contract.ts'
import { type ImageFormat, type ImageSize, readImageSize, sniffImage } from './image-header.ts'
import { type Decoded, runDecoder } from './run-decoder.ts'

/** An image of our own encoding, or why there is none. */
export type EncodedLogo =
  | {
      readonly kind: 'encoded'
      readonly body: Uint8Array
      readonly contentType: 'image/png' | 'image/webp'
      readonly width: number
      readonly height: number
    }
  | LogoRefusal

type LogoRefusal = { readonly kind: 'refused'; readonly code: FailureCode; readonly detail: string }

/**
 * Turns an image of a publisher's into one of ours (UI-06). Throws what the signal was aborted with, and when the
 * fault is ours; what is wrong with the image, or too much work, is a refusal.
 */
export type EncodeLogo = (bytes: Uint8Array, signal: AbortSignal) => Promise<EncodedLogo>

/** Only the first is shown; an animation of a logo that needs more is a program. */
const FRAMES_MAX = 500

const CODES: Readonly<Record<Exclude<Decoded['kind'], 'decoded'>, FailureCode>> = {
  undecodable: 'logo_malformed',
  too_costly: 'logo_too_costly',
  crashed: 'logo_decoder_crashed',
}

/**
 * Judges what an image declares, then has it decoded and encoded again by a process that can reach nothing: the first
 * frame, upright, without metadata, at most 512 by 512 pixels, as WebP.
 */
export function createEncodeLogo(limits: DecoderLimits): EncodeLogo {
  return async (bytes, signal) => {
    const judged = judgeHeader(bytes)
    if (judged.kind === 'refused') return judged
    return logoOf(await runDecoder(bytes, judged.format, limits, signal))
  }
}

/** What is refused before anything is decoded. */
function judgeHeader(bytes: Uint8Array): LogoRefusal | { kind: 'image'; format: ImageFormat } {
  const format = sniffImage(bytes)
  if (format === undefined) return refusal('logo_type', 'the first bytes are of no PNG, JPEG, WebP or GIF')
  const size = readImageSize(bytes, format)
  if (size === undefined) return refusal('logo_malformed', `no whole ${format} header`)
  return refusalOfSize(size) ?? { kind: 'image', format }
}

function refusalOfSize({ width, height, frames }: ImageSize): LogoRefusal | undefined {
  const isWithin = Math.min(width, height) > 0 && Math.max(width, height) <= INPUT_SIDE_MAX
  if (!isWithin) return refusal('logo_dimensions', `${width} by ${height} pixels`)
  return frames > FRAMES_MAX ? refusal('logo_frames', `${frames} frames`) : undefined
}

/** Whoever takes the process over must still give a clean picture: its word alone is not enough. */
export function logoOf(decoded: Decoded): EncodedLogo {
  if (decoded.kind !== 'decoded') return refusal(CODES[decoded.kind], decoded.detail)
  const size = sizeOfCleanWebp(decoded.body)
  if (size === undefined) return refusal('logo_decoder_crashed', 'the decoder gave no picture of ours')
  return { kind: 'encoded', body: decoded.body, contentType: 'image/webp', ...size }
}

function refusal(code: FailureCode, detail: string): LogoRefusal {
  return { kind: 'refused', code, detail }
}
