import { constants, crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

export const IMAGE_FORMATS = ['png', 'jpeg', 'webp', 'gif'] as const
export type ImageFormat = (typeof IMAGE_FORMATS)[number]

type Size = { readonly width: number; readonly height: number }

/** A picture of noise, so that no format makes a few bytes of it. */
export function noise({ width, height }: Size, pageHeight?: number): Sharp {
  const background = { r: 200, g: 90, b: 30 }
  const create = { width, height, channels: 3, background } as const
  const grain = { type: 'gaussian', mean: 128, sigma: 40 } as const
  return sharp({ create: { ...create, noise: grain, ...(pageHeight && { pageHeight }) } })
}

/** A valid image of noise. */
export function imageOf(format: ImageFormat, size: Size = { width: 64, height: 48 }): Promise<Buffer> {
  return noise(size).toFormat(format).toBuffer()
}

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  return Buffer.concat([uint32(data.length), body, uint32(crc32(body))])
}

const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
export const PNG_END = pngChunk('IEND', Buffer.alloc(0))

/** IHDR of a PNG of 8-bit greys, unless colour type and depth say otherwise. */
export function pngHeader(
  { width, height }: Size,
  given: { depth?: number; colour?: number; interlaced?: boolean } = {},
): Buffer {
  const { depth = 8, colour = 0, interlaced = false } = given
  const rest = Buffer.from([depth, colour, 0, 0, Number(interlaced)])
  return pngChunk('IHDR', Buffer.concat([uint32(width), uint32(height), rest]))
}

/** A PNG of the chunks between signature and end. */
export function pngOf(...chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat([PNG_SIGNATURE, ...chunks, PNG_END])
}

/** Zeros, as few bytes as deflate makes of so many. */
export function deflatedZeros(bytes: number): Buffer {
  return deflateSync(Buffer.alloc(bytes), { level: constants.Z_BEST_COMPRESSION })
}

/** A picture of zeros; its rows and bytes are counted for the header given. */
export function blackPng(size: Size, channels = 1, depth = 8, extra: readonly Uint8Array[] = []): Buffer {
  const colour = { 1: 0, 3: 2, 4: 6 }[channels] ?? 0
  const rowBytes = 1 + Math.ceil((size.width * channels * depth) / 8)
  const data = pngChunk('IDAT', deflatedZeros(rowBytes * size.height))
  return pngOf(pngHeader(size, { depth, colour }), ...extra, data)
}

/** A GIF of so many frames of one pixel each, in a screen of this size. */
export function gifOf(
  { width, height }: Size,
  frames: number,
  between: Uint8Array = Buffer.alloc(0),
): Buffer {
  const screen = Buffer.concat([Buffer.from('GIF89a'), uint16(width), uint16(height)])
  const colours = Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255])
  const pixel = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0])
  return Buffer.concat([screen, colours, between, ...Array(frames).fill(pixel), Buffer.from([0x3b])])
}

export function gifComment(text: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x21, 0xfe, text.length]),
    Buffer.from(text, 'latin1'),
    Buffer.from([0]),
  ])
}

/** A WebP of the chunks given. */
export function webpOf(...chunks: readonly (readonly [string, Uint8Array])[]): Buffer {
  const body = Buffer.concat(chunks.map(([name, data]) => riffChunk(name, data)))
  return riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), body]))
}

function riffChunk(name: string, data: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(data.length)
  return Buffer.concat([Buffer.from(name, 'latin1'), length, data, Buffer.alloc(data.length % 2)])
}

/** The first segments of a JPEG, as far as its frame header. */
export function jpegHeader({ width, height }: Size): Buffer {
  const frame = Buffer.from([8, 0, 0, 0, 0, 1, 1, 0x11, 0])
  frame.writeUInt16BE(height, 1)
  frame.writeUInt16BE(width, 3)
  return Buffer.concat([Buffer.from([0xff, 0xd8]), jpegSegment(0xc0, frame)])
}

export function jpegSegment(marker: number, data: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([head, data])
}

/** A progressive JPEG with its scans but the first repeated as often as they fit: each one goes over all its pixels. */
export async function jpegOfManyScans(size: Size, bytesMax: number): Promise<Buffer> {
  const flat = { ...size, channels: 3, background: 'white' } as const
  const jpeg = await sharp({ create: flat }).jpeg({ progressive: true }).toBuffer()
  const scans: number[] = []
  for (
    let at = jpeg.indexOf('\xff\xda', 2, 'latin1');
    at >= 0;
    at = jpeg.indexOf('\xff\xda', at + 2, 'latin1')
  )
    scans.push(at)
  const [, second = jpeg.length] = scans
  const repeated = jpeg.subarray(second, -2)
  const times = Math.floor((bytesMax - second) / repeated.length)
  return Buffer.concat([jpeg.subarray(0, second), ...Array(times).fill(repeated), jpeg.subarray(-2)])
}

/** Puts bytes after the first `at` of an image. */
export function insertAt(image: Uint8Array, at: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([image.subarray(0, at), bytes, image.subarray(at)])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
