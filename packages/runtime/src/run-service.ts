import { ConfigError } from './config.ts'

/** A running service. `stop` ends it in order and resolves when nothing of it is left. */
export type Service = { readonly stop: () => Promise<void> }

const EXIT_CONFIG = 78

/**
 * Runs a service as the process: starts it, stops it at SIGTERM or SIGINT, and ends at once at the second. A
 * service that cannot start says why in one message and exits with 78 for its configuration, else with 1.
 */
export async function runService(start: () => Promise<Service>): Promise<void> {
  const interrupted = new AbortController()
  process.on('SIGTERM', () => interrupt(interrupted))
  process.on('SIGINT', () => interrupt(interrupted))
  process.on('unhandledRejection', (reason) => {
    process.exitCode = 1
    process.stderr.write(`a promise was rejected and nobody handled it: ${describe(reason)}\n`)
    interrupt(interrupted)
  })
  try {
    const service = await start()
    await aborted(interrupted.signal)
    await service.stop()
  } catch (error) {
    process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1
    process.stderr.write(`cannot run: ${explain(error)}\n`)
  }
  // What a library forgot must not keep the process; standard output has been flushed by then.
  setTimeout(() => process.exit(), 1000).unref()
}

function interrupt(controller: AbortController): void {
  if (controller.signal.aborted) process.exit(1)
  controller.abort()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** An error in words a person can act on: its message and those of its causes. */
export function explain(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(explain).join('; ')
  if (!(error instanceof Error)) return String(error)
  const message = error.message || error.name
  const cause = error.cause === undefined ? '' : explain(error.cause)
  return cause === '' || message.includes(cause) ? message : `${message}: ${cause}`
}

/** Says what could not be used when `work` fails, and where it is set: `database (CIMD_DATABASE_URL)`. */
export async function needed<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(`the ${what} cannot be used: ${explain(error)}`, { cause: error })
  }
}

function describe(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
}
