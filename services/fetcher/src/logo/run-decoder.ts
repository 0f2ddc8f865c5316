import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { watchProcess } from '../watch-process.ts'
import { type DecoderLimits, spawnBounded } from './decoder-command.ts'
import { LOADERS, OUTPUT_BYTES_MAX, READY_LINE, UNDECODABLE } from './decoder-contract.ts'
import type { ImageFormat } from './image-header.ts'

/** What came of decoding one image. */
export type Decoded =
  | { readonly kind: 'decoded'; readonly body: Uint8Array }
  | { readonly kind: 'undecodable' | 'too_costly' | 'crashed'; readonly detail: string }

const SCRIPT = fileURLToPath(new URL('./decode-process.ts', import.meta.url))
const REASON_BYTES_MAX = 2048

/**
 * Decodes and encodes one image in a process of its own, which has ended when this returns. Throws what the signal was
 * aborted with, and when the process cannot be started.
 */
export async function runDecoder(
  bytes: Uint8Array,
  format: ImageFormat,
  limits: DecoderLimits,
  signal: AbortSignal,
): Promise<Decoded> {
  signal.throwIfAborted()
  const child = spawnBounded(SCRIPT, [LOADERS[format]], limits)
  using watch = watchProcess(child, limits.memoryBytes, signal)
  const body = collect(child.stdout, OUTPUT_BYTES_MAX, () =>
    watch.stop('more output than any picture of ours'),
  )
  // Decoders may complain at length of what they read all the same.
  const told = collect(child.stderr, REASON_BYTES_MAX, () => {})
  child.stderr.once('data', () => watch.allow(limits.decodeMs, 'decoding'))
  // A process that ends early closes the pipe; how it ended says why.
  child.stdin.on('error', () => {})
  child.stdin.end(bytes)
  const [status, killedBy] = await once(child, 'close')
  signal.throwIfAborted()
  return verdict({ status, killedBy, stopped: watch.reason(), told: told().toString(), body: body() })
}

type Ending = {
  readonly status: number | null
  readonly killedBy: NodeJS.Signals | null
  /** Why we have stopped it. */
  readonly stopped: string | undefined
  /** Its standard error. */
  readonly told: string
  readonly body: Uint8Array
}

function verdict({ status, killedBy, stopped, told, body }: Ending): Decoded {
  const end = stopped ?? `ended with ${killedBy ?? `status ${status}`}`
  if (!told.startsWith(READY_LINE)) throw new Error(`the image decoder did not start: ${end}: ${told}`)
  if (stopped !== undefined) return { kind: 'too_costly', detail: stopped }
  if (status === 0) return { kind: 'decoded', body }
  if (status === UNDECODABLE) return { kind: 'undecodable', detail: printable(told.slice(READY_LINE.length)) }
  if (killedBy === 'SIGXCPU') return { kind: 'too_costly', detail: 'too much processor time' }
  return { kind: 'crashed', detail: `the decoder ${end}` }
}

// A decoder may quote what it read.
function printable(told: string): string {
  return told
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200)
}

/** Keeps what comes, up to a bound; gives what has come so far. */
function collect(stream: Readable, bytesMax: number, onOverflow: () => void): () => Buffer {
  const chunks: Buffer[] = []
  let left = bytesMax
  stream.on('data', (chunk: Buffer) => {
    if (chunk.length > left) onOverflow()
    chunks.push(chunk.subarray(0, left))
    left -= Math.min(left, chunk.length)
  })
  return () => Buffer.concat(chunks)
}
