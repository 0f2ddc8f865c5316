import { readGifHeader } from './gif-header.ts'
import { readJpegHeader } from './jpeg-header.ts'
import { readPngHeader } from './png-header.ts'
import { readWebpHeader } from './webp-header.ts'

/** All that is read of a publisher's images (UI-06). */
export const IMAGE_FORMATS = ['png', 'jpeg', 'webp', 'gif'] as const

export type ImageFormat = (typeof IMAGE_FORMATS)[number]

/** What a decoder would have to make room for; the widest and highest of all that the file declares. */
export type ImageSize = { readonly width: number; readonly height: number; readonly frames: number }

const MAGIC: Readonly<Record<ImageFormat, (start: string) => boolean>> = {
  png: (start) => start.startsWith('\x89PNG\r\n\x1a\n'),
  jpeg: (start) => start.startsWith('\xff\xd8\xff'),
  // Its length stands between the two.
  webp: (start) => start.startsWith('RIFF') && start.startsWith('WEBP', 8),
  gif: (start) => start.startsWith('GIF87a') || start.startsWith('GIF89a'),
}
const MAGIC_BYTES_MAX = 12

const READERS: Readonly<Record<ImageFormat, (view: DataView) => ImageSize | undefined>> = {
  png: readPngHeader,
  jpeg: readJpegHeader,
  webp: readWebpHeader,
  gif: readGifHeader,
}

/** What bytes are by their magic numbers, whatever they were served as (UI-06); undefined for everything else. */
export function sniffImage(bytes: Uint8Array): ImageFormat | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, MAGIC_BYTES_MAX))
  return IMAGE_FORMATS.find((format) => MAGIC[format](start))
}

/**
 * What an image declares of its size in pixels, by our own reading and before any decoder runs (UI-06). Undefined
 * where the structure is broken or ends too early.
 */
export function readImageSize(bytes: Uint8Array, format: ImageFormat): ImageSize | undefined {
  try {
    return READERS[format](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    // The view refuses to read past its end.
    if (error instanceof RangeError) return undefined
    throw error
  }
}
