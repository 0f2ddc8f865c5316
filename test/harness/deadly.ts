import type { Wrapper } from './service-process.ts'

/** What a document says that kills whatever parses it, in a process with `dyingOfDeadly`. */
export const DEADLY = { client_name: 'kill-whoever-parses-this' }

const PRELOAD = new URL('processes/die-of-marker.ts', import.meta.url).href

/** A service that dies of a deadly document, and so does whatever it starts. */
export const dyingOfDeadly: Wrapper = { environment: { NODE_OPTIONS: `--import=${PRELOAD}` } }
