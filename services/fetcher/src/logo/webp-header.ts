import { fourCharacterCode } from './four-character-code.ts'
import type { ImageSize } from './image-header.ts'

/** One chunk of a WebP: its name, and where its data begins. */
export type WebpChunk = { readonly name: string; readonly at: number; readonly bytes: number }

const RIFF_HEADER_BYTES = 12
const CHUNK_HEADER_BYTES = 8
/** What an animation's frame says of itself before its own chunks. */
const FRAME_HEADER_BYTES = 16

/** The chunks of a WebP in order. Throws a RangeError where the file ends before they do. */
export function webpChunks(view: DataView): WebpChunk[] {
  const end = CHUNK_HEADER_BYTES + view.getUint32(4, true)
  return chunksBetween(view, RIFF_HEADER_BYTES, end)
}

/** The size of a WebP: of its canvas, its pictures and the pictures of its frames, whichever is larger. */
export function readWebpHeader(view: DataView): ImageSize | undefined {
  const chunks = webpChunks(view)
  const frames = chunks.filter(({ name }) => name === 'ANMF')
  const within = frames.flatMap(({ at, bytes }) => chunksBetween(view, at + FRAME_HEADER_BYTES, at + bytes))
  const sizes = [...chunks, ...within].flatMap((chunk) => sizeIn(view, chunk) ?? [])
  if (sizes.length === 0) return undefined
  return {
    width: sizes.reduce((widest, { width }) => Math.max(widest, width), 0),
    height: sizes.reduce((highest, { height }) => Math.max(highest, height), 0),
    frames: Math.max(1, frames.length),
  }
}

function chunksBetween(view: DataView, start: number, end: number): WebpChunk[] {
  if (end > view.byteLength) throw new RangeError('the file ends before its chunks do')
  const chunks: WebpChunk[] = []
  for (let at = start; at < end; ) {
    const bytes = view.getUint32(at + 4, true)
    chunks.push({ name: fourCharacterCode(view, at), at: at + CHUNK_HEADER_BYTES, bytes })
    // Chunks begin at even places.
    at += CHUNK_HEADER_BYTES + bytes + (bytes % 2)
    if (at > end) throw new RangeError('a chunk is longer than what holds it')
  }
  return chunks
}

function sizeIn(view: DataView, { name, at }: WebpChunk): { width: number; height: number } | undefined {
  if (name === 'VP8X') return { width: 1 + uint24(view, at + 4), height: 1 + uint24(view, at + 7) }
  if (name === 'ANMF') return frameExtent(view, at)
  if (name === 'VP8L') {
    const bits = view.getUint32(at + 1, true)
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
  }
  if (name !== 'VP8 ') return undefined
  return { width: view.getUint16(at + 6, true) & 0x3fff, height: view.getUint16(at + 8, true) & 0x3fff }
}

function frameExtent(view: DataView, at: number): { width: number; height: number } {
  const [x, y] = [2 * uint24(view, at), 2 * uint24(view, at + 3)]
  return { width: x + 1 + uint24(view, at + 6), height: y + 1 + uint24(view, at + 9) }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
}
