/** Requests that wait for something to be notified, by key. */
export type Waiters = {
  /** From here on no wake of `key` is missed until `cancel`. */
  readonly register: (key: string) => Waiter
  readonly wake: (key: string) => void
  readonly wakeAll: () => void
  /** Ends every wait, now and later: the process is stopping. */
  readonly stop: () => void
}

export type Waiter = {
  /** True once woken since the last call; false when `leftMs` have passed, or the process is stopping. */
  readonly woken: (leftMs: number) => Promise<boolean>
  readonly cancel: () => void
}

type Entry = { pending: boolean; resume: (() => void) | undefined }

export function createWaiters(): Waiters {
  const entries = new Map<string, Set<Entry>>()
  let stopped = false

  const rouse = (entry: Entry): void => {
    entry.pending = true
    entry.resume?.()
  }
  const wakeAll = (): void => {
    for (const waiting of entries.values()) waiting.forEach(rouse)
  }
  return {
    register: (key) => {
      const entry: Entry = { pending: false, resume: undefined }
      const waiting = entries.get(key) ?? new Set()
      entries.set(key, waiting.add(entry))
      return {
        woken: (leftMs) => waitFor(entry, leftMs, () => stopped),
        cancel: () => {
          waiting.delete(entry)
          if (waiting.size === 0 && entries.get(key) === waiting) entries.delete(key)
        },
      }
    },
    wake: (key) => entries.get(key)?.forEach(rouse),
    wakeAll,
    stop: () => {
      stopped = true
      wakeAll()
    },
  }
}

async function waitFor(entry: Entry, leftMs: number, isStopped: () => boolean): Promise<boolean> {
  if (!entry.pending && leftMs > 0 && !isStopped()) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs)
      entry.resume = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    entry.resume = undefined
  }
  const woken = entry.pending && !isStopped()
  entry.pending = false
  return woken
}
