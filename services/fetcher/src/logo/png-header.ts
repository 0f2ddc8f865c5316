import { fourCharacterCode } from './four-character-code.ts'
import type { ImageSize } from './image-header.ts'

const IHDR_AT = 8

/** The size of a PNG: its header must come first. Animations are not counted, since no decoder here reads them. */
export function readPngHeader(view: DataView): ImageSize | undefined {
  if (view.getUint32(IHDR_AT) !== 13 || fourCharacterCode(view, IHDR_AT + 4) !== 'IHDR') return undefined
  return { width: view.getUint32(IHDR_AT + 8), height: view.getUint32(IHDR_AT + 12), frames: 1 }
}
