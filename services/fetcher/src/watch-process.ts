import type { ChildProcess } from 'node:child_process'
import { residentBytes } from './resident-memory.ts'

/** A process that is not ready by then is our fault, not that of what it was started for. */
const START_MS = 10_000
const MEMORY_LOOK_MS = 20

/** Ends a process that has used more than it may, and with it whatever it may have started. */
export type ProcessWatch = {
  /** From now on it has so long; `why` says what it took too long for. */
  readonly allow: (ms: number, why: string) => void
  /** It has nothing to do, for as long as that may take. */
  readonly rest: () => void
  /** Ends it for a reason. */
  readonly stop: (reason: string) => void
  /** The first reason it was ended for; undefined if it ended by itself. */
  readonly reason: () => string | undefined
  readonly [Symbol.dispose]: () => void
}

/**
 * Watches a process, which leads a group of its own, from its start until this is disposed of. An abort ends the process
 * too.
 */
export function watchProcess(child: ChildProcess, memoryBytes: number, signal: AbortSignal): ProcessWatch {
  let reason: string | undefined
  const stop = (given: string): void => {
    reason ??= given
    killGroup(child.pid)
  }
  const abort = (): void => stop('aborted')
  const lookAtMemory = (): void => {
    const resident = child.pid === undefined ? undefined : residentBytes(child.pid)
    if (resident !== undefined && resident > memoryBytes) stop(`more than ${memoryBytes} bytes of memory`)
  }
  let clock = setTimeout(() => stop(`not ready after ${START_MS} ms`), START_MS)
  const memory = setInterval(lookAtMemory, MEMORY_LOOK_MS)
  signal.addEventListener('abort', abort)
  // What it may have started ends with it.
  child.once('exit', () => killGroup(child.pid))
  return {
    allow: (ms, why) => {
      clearTimeout(clock)
      clock = setTimeout(() => stop(`${why} took longer than ${ms} ms`), ms)
    },
    rest: () => clearTimeout(clock),
    stop,
    reason: () => reason,
    [Symbol.dispose]: () => {
      clearTimeout(clock)
      clearInterval(memory)
      signal.removeEventListener('abort', abort)
    },
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing is left of it.
  }
}
