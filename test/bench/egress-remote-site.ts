import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Connections, SiteFacts, SiteSettings } from './egress-site.ts'

/** A site in a process of its own. */
export type RemoteSite = SiteFacts &
  AsyncDisposable & {
    /** How often each of its addresses has been connected to so far. */
    readonly connections: () => Promise<Connections>
  }

/** Starts it; it ends with this process. */
export async function startRemoteSite(settings: SiteSettings): Promise<RemoteSite> {
  const path = fileURLToPath(new URL('egress-site-process.ts', import.meta.url))
  const child = fork(path, [JSON.stringify(settings)], { execArgv: [] })
  // The process says its facts once, then its connections whenever it is asked.
  const facts = (await nextMessage(child)) as SiteFacts
  return {
    ...facts,
    connections: async () => {
      child.send('connections')
      return (await nextMessage(child)) as Connections
    },
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const control = new AbortController()
  const { signal } = control
  try {
    const [first] = await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(([code]) => [new Error(`the site exited with ${code}`)]),
    ])
    if (first instanceof Error) throw first
    return first
  } finally {
    control.abort()
  }
}
