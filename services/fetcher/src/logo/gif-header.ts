import type { ImageSize } from './image-header.ts'

const SCREEN_AT = 6
const BLOCKS_AT = 13
const EXTENSION = 0x21
const IMAGE = 0x2c
const TRAILER = 0x3b

/** The size of a GIF: of its screen or of a frame that exceeds it. Every block is walked, to the trailer. */
export function readGifHeader(view: DataView): ImageSize | undefined {
  let width = view.getUint16(SCREEN_AT, true)
  let height = view.getUint16(SCREEN_AT + 2, true)
  let frames = 0
  let at = BLOCKS_AT + colourTableBytes(view.getUint8(SCREEN_AT + 4))
  for (let block = view.getUint8(at); block !== TRAILER; block = view.getUint8(at)) {
    if (block === EXTENSION) {
      at = skipSubBlocks(view, at + 2)
    } else if (block === IMAGE) {
      width = Math.max(width, view.getUint16(at + 1, true) + view.getUint16(at + 5, true))
      height = Math.max(height, view.getUint16(at + 3, true) + view.getUint16(at + 7, true))
      frames += 1
      at = skipSubBlocks(view, at + 11 + colourTableBytes(view.getUint8(at + 9)))
    } else {
      return undefined
    }
  }
  return frames === 0 ? undefined : { width, height, frames }
}

function colourTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1)
}

function skipSubBlocks(view: DataView, from: number): number {
  let at = from
  for (let size = view.getUint8(at); size > 0; size = view.getUint8(at)) at += 1 + size
  return at + 1
}
