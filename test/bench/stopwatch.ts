/** How long `work` took, in milliseconds, and what it gave. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const startedAt = performance.now()
  const value = await work()
  return { ms: performance.now() - startedAt, value }
}

/** Does `work` for every item, `concurrency` at a time; resolves with the milliseconds it took in all. */
export async function drive<T>(
  items: Iterable<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<number> {
  const { ms } = await timed(async () => {
    const rest = Iterator.from(items)
    const lane = async (): Promise<void> => {
      for (const item of rest) await work(item)
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
  })
  return ms
}
