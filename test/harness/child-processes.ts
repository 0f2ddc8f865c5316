import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Whether this system tells what its processes use. */
export const HAS_PROC = existsSync('/proc/self/task')

/** The processes that this one has started and not yet seen end. */
export function childProcesses(): readonly number[] {
  const tasks = readdirSync('/proc/self/task')
  return tasks.flatMap((task) =>
    read(`/proc/self/task/${task}/children`)
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number),
  )
}

/** Looks at this process's children from now on until it is disposed of. */
export function watchChildren() {
  let started = new Set<number>()
  let peakBytes = 0
  const look = (): void => {
    for (const pid of childProcesses()) {
      started = started.add(pid)
      peakBytes = Math.max(peakBytes, peakOf(pid))
    }
  }
  const timer = setInterval(look, LOOK_MS)
  return {
    started: () => started.size,
    /** The most that one of them had resident, as far as it was seen. */
    peakBytes: () => peakBytes,
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

const LOOK_MS = 5

/** The most a process has had resident so far, in bytes; 0 once it has ended. */
export function peakOf(pid: number): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** The processor time of all children that have ended, as the kernel counts it: in hundredths of a second. */
export function endedChildrenCpuMs(): number {
  // Fields 16 and 17 of proc(5); the second one is a name that may hold anything.
  const [, fields = ''] = /^.*\) (.*)$/s.exec(read('/proc/self/stat')) ?? []
  const [user, system] = fields.split(' ').slice(13, 15).map(Number)
  return 10 * ((user ?? 0) + (system ?? 0))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // It ended meanwhile.
    return ''
  }
}
