type Group<Entry> = { readonly entries: Entry[]; readonly written: Promise<void> }

/**
 * Writes what comes for one key while a write for it is under way together, once that has ended: as many answers as come share
 * one commit. Each call resolves with the write that holds its entry.
 */
export function writeTogether<Entry>(
  write: (key: string, entries: readonly Entry[]) => Promise<void>,
  entriesMax: number,
): (key: string, entry: Entry) => Promise<void> {
  const waiting = new Map<string, Group<Entry>>()
  const newest = new Map<string, Promise<void>>()
  const begin = (key: string, entry: Entry): Promise<void> => {
    const entries = [entry]
    const before = newest.get(key) ?? Promise.resolve()
    const written = before
      .catch(() => {})
      .then(() => {
        if (waiting.get(key)?.entries === entries) waiting.delete(key)
        return write(key, entries)
      })
    waiting.set(key, { entries, written })
    newest.set(key, written)
    const forget = (): void => {
      if (newest.get(key) === written) newest.delete(key)
    }
    written.then(forget, forget)
    return written
  }
  return (key, entry) => {
    const group = waiting.get(key)
    if (group === undefined || group.entries.length >= entriesMax) return begin(key, entry)
    group.entries.push(entry)
    return group.written
  }
}
