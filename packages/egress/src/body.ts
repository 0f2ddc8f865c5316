import { FetchError } from './fetch-error.ts'

const FIRST_BYTES = 4096

/** The bytes of a body as they arrive, in one buffer that grows no further than the cap (FET-10, FET-11). */
export type Body = {
  /** Throws `too_large` at the first byte beyond the cap. */
  add(chunk: Uint8Array): void
  /** A copy of its own: nothing of the connection's buffers is carried along. */
  taken(): Uint8Array
}

/** Chunks are copied, since each is a view of a far larger buffer that it would keep alive. */
export function collectBody(bytesMax: number): Body {
  let buffer = new Uint8Array(Math.min(FIRST_BYTES, bytesMax))
  let bytes = 0
  return {
    add: (chunk) => {
      const next = bytes + chunk.byteLength
      if (next > bytesMax) throw new FetchError('too_large', `more than ${bytesMax} bytes`)
      if (next > buffer.byteLength) buffer = grown(buffer, Math.min(bytesMax, 2 * next))
      buffer.set(chunk, bytes)
      bytes = next
    },
    taken: () => buffer.slice(0, bytes),
  }
}

function grown(buffer: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes)
  larger.set(buffer)
  return larger
}
