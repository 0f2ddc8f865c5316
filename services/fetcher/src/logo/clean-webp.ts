import { OUTPUT_SIDE_MAX } from './decoder-contract.ts'
import { readImageSize, sniffImage } from './image-header.ts'
import { webpChunks } from './webp-header.ts'

/** All that a still picture without metadata consists of. */
const CLEAN_CHUNKS: ReadonlySet<string> = new Set(['VP8X', 'ALPH', 'VP8 ', 'VP8L'])

/**
 * The size of a picture as our encoder makes it: a still WebP without metadata, no larger than is stored, and nothing
 * after its end. Undefined for anything else, whoever made it.
 */
export function sizeOfCleanWebp(bytes: Uint8Array): { width: number; height: number } | undefined {
  const size = sniffImage(bytes) === 'webp' ? readImageSize(bytes, 'webp') : undefined
  if (size === undefined) return undefined
  const { width, height } = size
  if (Math.max(width, height) > OUTPUT_SIDE_MAX || Math.min(width, height) < 1) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isWhole = view.getUint32(4, true) + 8 === bytes.length
  const isClean = webpChunks(view).every(({ name }) => CLEAN_CHUNKS.has(name))
  return isWhole && isClean ? { width, height } : undefined
}
