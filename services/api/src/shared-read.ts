/**
 * Gives all who ask for the same key in one turn of the event loop the same read. Nobody joins a read that has
 * begun: it might not see what they were woken for.
 */
export function shareReads<T>(): (key: string, read: () => Promise<T>) => Promise<T> {
  const gathering = new Map<string, Promise<T>>()
  return (key, read) => {
    const joined = gathering.get(key)
    if (joined !== undefined) return joined
    const turn = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      gathering.delete(key)
      return read()
    })
    gathering.set(key, turn)
    return turn
  }
}
