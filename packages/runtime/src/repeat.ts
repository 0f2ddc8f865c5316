/** Work that runs again and again until it is stopped. */
export type Repetition = {
  /** Runs it now, or once more right after the run under way. */
  readonly wake: () => void
  /** Resolves when the run under way has ended; none begins afterwards. */
  readonly stop: () => Promise<void>
}

/** Runs `work` every `intervalMs`, never twice at once. A failure is reported and the next run comes as usual. */
export function repeat(
  intervalMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): Repetition {
  let stopped = false
  let woken = false
  let endPause = (): void => {}

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, intervalMs)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const run = async (): Promise<void> => {
    while (!stopped) {
      woken = false
      await work().catch(onError)
      if (!woken && !stopped) await pause()
    }
  }
  const wake = (): void => {
    woken = true
    endPause()
  }
  const running = run()
  return {
    wake,
    stop: () => {
      stopped = true
      endPause()
      return running
    },
  }
}
