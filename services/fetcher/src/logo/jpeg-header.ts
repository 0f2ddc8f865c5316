import type { ImageSize } from './image-header.ts'

/** Baseline, extended and progressive Huffman coding; the others are as good as never used. */
const START_OF_FRAME: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2])
/** All others that begin an image of another coding, or the image's data. */
const NOT_BEFORE_FRAME = /^(?:c[3567]|c[9ab]|c[def]|d[0-9a])$/

/** The size of a JPEG: of its frame header, which has to come before the first scan. */
export function readJpegHeader(view: DataView): ImageSize | undefined {
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    if (marker === 0xff) {
      at += 1
    } else if (START_OF_FRAME.has(marker)) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), frames: 1 }
    } else if (marker < 0xc0 || NOT_BEFORE_FRAME.test(marker.toString(16))) {
      return undefined
    } else {
      at += 2 + view.getUint16(at + 2)
    }
  }
}
