import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { watchProcess } from '../watch-process.ts'
import type { IsolatedScript } from '../way-out.ts'
import type { Asked, Told } from './contract.ts'

/** A process that works one thing for us, until it is disposed of. */
export type IsolatedProcess = {
  /** Asks, and waits for the answer; for no longer than `ms`, which `why` says are for what. */
  readonly ask: (asked: Asked, ms: number, why: string) => Promise<Told | Death>
  readonly [Symbol.dispose]: () => void
}

/** It ended before it answered. */
export type Death = {
  readonly kind: 'died'
  readonly how: string
  /** The end of its standard error: it may quote what it read. */
  readonly said: string
}

/** Some 90 MiB are there before anything is fetched; a document or a key set is 64 KiB at most. */
const MEMORY_BYTES_MAX = 384 * 1024 ** 2
/** Far more than starting, a fetch and its judgement take: for one that spins although its parent is gone. */
const PROCESSOR_SECONDS = 30
const SAID_CHARACTERS_MAX = 2000

const SHELL = '/bin/sh'

/** No core file; an end to its processor time; and its end with the thread that started it, where the system can do that. */
const BOUND = `
  { ulimit -c 0; ulimit -t "$1"; } 2>/dev/null
  shift
  if setpriv --pdeathsig KILL true 2>/dev/null; then exec setpriv --pdeathsig KILL "$@"; fi
  exec "$@"`

/**
 * The permission model's flags (`node --help`): it may read and connect; no process, no file to write, no machine code.
 * `known`: those of this Node, since 24 has no permission for the network, and does not start with a flag it does not know.
 */
export function nodeFlags(known: ReadonlySet<string>): readonly string[] {
  const network = known.has('--allow-net') ? ['--allow-net'] : []
  return ['--permission', ...network, '--allow-fs-read=*', '--max-old-space-size=128', '--no-warnings']
}

/**
 * Starts a script as a process of its own; what it is started with has no secrets. Resolves when it is ready; rejects if it does not
 * become so, which is a fault of ours, or with the reason of `signal`, which ends it.
 */
export async function startIsolated(script: IsolatedScript, signal: AbortSignal): Promise<IsolatedProcess> {
  signal.throwIfAborted()
  const child = spawnIsolated(script)
  const said = lastWords(child)
  const watch = watchProcess(child, MEMORY_BYTES_MAX, signal)
  const died = once(child, 'close').then(([status, killedBy]): Death => {
    const how = watch.reason() ?? `it ended with ${killedBy ?? `status ${status}`}`
    return { kind: 'died', how, said: said() }
  })
  // A process that cannot be started is told where it is waited for.
  died.catch(() => {})
  const answered = async (): Promise<Told | Death> => {
    const told = await Promise.race([nextMessage(child), died])
    watch.rest()
    signal.throwIfAborted()
    return told
  }
  const end = (): void => {
    watch.stop('it is not needed any more')
    watch[Symbol.dispose]()
  }
  try {
    const first = await answered()
    if (first.kind === 'died')
      throw new Error(`the process for what is suspect did not start: ${first.how}: ${first.said}`)
  } catch (error) {
    end()
    throw error
  }
  return {
    ask: (asked, ms, why) => {
      watch.allow(ms, why)
      // To one that has ended: how it ended says why.
      child.send(asked, () => {})
      return answered()
    },
    [Symbol.dispose]: end,
  }
}

function spawnIsolated({ script, environment }: IsolatedScript): ChildProcess {
  const command = [process.execPath, ...nodeFlags(process.allowedNodeEnvironmentFlags), script]
  const [executable = '', ...args] = existsSync(SHELL)
    ? [SHELL, '-c', BOUND, SHELL, String(PROCESSOR_SECONDS), ...command]
    : command
  return spawn(executable, args, {
    env: { ...environment },
    // A group of its own: Ctrl-C at the fetcher is no death of what it works.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Dates and bytes as they are.
    serialization: 'advanced',
  })
}

async function nextMessage(child: ChildProcess): Promise<Told> {
  const [told] = await once(child, 'message')
  return told as Told
}

function lastWords(child: ChildProcess): () => string {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_CHARACTERS_MAX)
  })
  return () => said.trim()
}
