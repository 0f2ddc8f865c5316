import type { Attempt } from './attempt.ts'
import { EgressError } from './egress-error.ts'

/** Reads a body, counting what arrives and stopping at the first byte beyond the cap (FET-10, FET-11). */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  bodyBytesMax: number,
  attempt: Attempt,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bodyBytes = 0
  for await (const chunk of body) {
    bodyBytes += chunk.byteLength
    attempt.note({ bodyBytes })
    if (bodyBytes > bodyBytesMax) throw new EgressError('too_large', `more than ${bodyBytesMax} bytes`)
    chunks.push(chunk)
  }
  return join(chunks, bodyBytes)
}

/** A copy of its own: a slice of Node's shared pool would carry its neighbours along in `.buffer`. */
function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const joined = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.byteLength
  }
  return joined
}
