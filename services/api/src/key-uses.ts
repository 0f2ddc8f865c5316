/** Notes that a key is in use. */
export type NoteKeyUse = (keyPrefix: string, key: string) => void

/** As the store has it: to the minute. */
const NOTED_EVERY_MS = 60_000
const KEYS_REMEMBERED_MAX = 10_000

/**
 * Has the use of a key noted beside the request, once a minute for each key. What is not noted is logged and forgotten: no
 * request fails because of it. `monotonicMs` never goes back.
 */
export function createKeyUses(deps: {
  readonly note: (key: string) => Promise<void>
  readonly monotonicMs: () => number
  readonly onError: (error: unknown) => void
}): NoteKeyUse {
  const notedMs = new Map<string, number>()
  return (keyPrefix, key) => {
    const nowMs = deps.monotonicMs()
    if (nowMs - (notedMs.get(keyPrefix) ?? Number.NEGATIVE_INFINITY) < NOTED_EVERY_MS) return
    // The oldest is first: it goes back to the end.
    notedMs.delete(keyPrefix)
    notedMs.set(keyPrefix, nowMs)
    const [oldest] = notedMs.keys()
    if (notedMs.size > KEYS_REMEMBERED_MAX && oldest !== undefined) notedMs.delete(oldest)
    deps.note(key).catch(deps.onError)
  }
}
