import type { Logger } from './logger.ts'

/** What was started and must be stopped, newest first. */
export type Lifecycle = {
  /** Registers how to stop what was just started. */
  readonly onStop: (name: string, stop: () => Promise<void> | void) => void
  /** Stops everything once, within the bound; a step that fails or is late is logged and does not hold up the rest. */
  readonly stop: () => Promise<void>
}

/** Collects the steps of an ordered stop. `boundMs` covers all of them together. */
export function createLifecycle(log: Logger, boundMs: number): Lifecycle {
  const steps: { name: string; stop: () => Promise<void> | void }[] = []
  let stopping: Promise<void> | undefined

  const unwind = async (): Promise<void> => {
    const deadline = performance.now() + boundMs
    for (const step of steps.toReversed()) {
      const leftMs = Math.max(0, deadline - performance.now())
      await runStep(step, leftMs, log)
    }
  }
  return {
    onStop: (name, stop) => {
      steps.push({ name, stop })
    },
    stop: () => {
      stopping ??= unwind()
      return stopping
    },
  }
}

async function runStep(
  step: { name: string; stop: () => Promise<void> | void },
  boundMs: number,
  log: Logger,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), boundMs)
  })
  try {
    const ended = await Promise.race([Promise.resolve(step.stop()), late])
    if (ended === 'late') log.warn({ event: 'stop.late', step: step.name }, 'a step of the shutdown is late')
  } catch (error) {
    log.error({ event: 'stop.failed', step: step.name, err: error }, 'a step of the shutdown failed')
  } finally {
    clearTimeout(timer)
  }
}
