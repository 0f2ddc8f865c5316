import type { ImageFormat } from './image-header.ts'

// What the fetcher and its decoder process agree on.

/** Either side of what is handed to a decoder, in pixels; a decoder makes at most 64 MiB of it at 8 bits a channel. */
export const INPUT_SIDE_MAX = 4096
/** Either side of what is stored, in pixels: four times what a consent page shows. */
export const OUTPUT_SIDE_MAX = 512
/** The largest picture of ours is about half of this. */
export const OUTPUT_BYTES_MAX = 1_048_576

/** The first line of the process on standard error: from here on, what goes wrong is the image's doing. */
export const READY_LINE = 'ready\n'
/** The exit status of a process whose decoder refused the image; the reason follows on standard error. */
export const UNDECODABLE = 65

/** The one operation of libvips that may read what is of this format; all others are blocked. */
export const LOADERS: Readonly<Record<ImageFormat, string>> = {
  png: 'VipsForeignLoadPngBuffer',
  jpeg: 'VipsForeignLoadJpegBuffer',
  webp: 'VipsForeignLoadWebpBuffer',
  gif: 'VipsForeignLoadNsgifBuffer',
}
