import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Origin } from '../harness/origin.ts'

/** Where the origin of `documents.ts` listens, and whom to trust for it. */
export type RemoteOrigin = Pick<Origin, 'port' | 'ca'> & { readonly close: () => Promise<void> }

/** Starts it as a process of its own; it ends with this one. */
export async function startRemoteOrigin(): Promise<RemoteOrigin> {
  const child = fork(fileURLToPath(new URL('origin-process.ts', import.meta.url)))
  const exited = once(child, 'exit')
  const [first] = await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => [new Error(`the origin exited with ${code}`)]),
  ])
  if (first instanceof Error) throw first
  // The process says nothing else.
  const { port, ca } = first as Pick<Origin, 'port' | 'ca'>
  return {
    port,
    ca,
    close: async () => {
      child.disconnect()
      await exited
    },
  }
}
