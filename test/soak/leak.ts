import { connect } from 'node:net'

/** A fault to plant, so that the soak can be seen to find it. */
export type Leak =
  | { readonly kind: 'bytes'; readonly bytesPerFetch: number }
  | { readonly kind: 'socket' | 'timer' | 'listener' }

const NEVER_MS = 2 ** 31 - 1

/** What to do after each fetch so as to leak: some memory every time, one thing of any other kind once. */
export function createLeak(
  leaks: readonly Leak[],
  { port, signal }: { readonly port: number; readonly signal: AbortSignal },
): () => void {
  const kept: Uint8Array[] = []
  const once = new Set(leaks)
  return () => {
    for (const leak of leaks) if (leak.kind === 'bytes') kept.push(new Uint8Array(leak.bytesPerFetch))
    for (const { kind } of once) {
      if (kind === 'socket') connect({ host: '127.0.0.1', port }).on('error', () => undefined)
      if (kind === 'timer') setTimeout(() => undefined, NEVER_MS)
      if (kind === 'listener') signal.addEventListener('abort', () => undefined)
    }
    once.clear()
  }
}
