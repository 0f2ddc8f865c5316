import { readFileSync } from 'node:fs'

// Linux counts in hundredths of a second whatever the kernel's own tick is (USER_HZ).
const TICK_MS = 10

/** Milliseconds of processor time a process has used so far; undefined where there is no /proc. */
export function processorMs(pid: number): number | undefined {
  try {
    return processorMsFrom(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** The same from the text of its `stat`: user and system time are the 12th and 13th field after the name. */
export function processorMsFrom(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
