import { explain } from '@cimd/runtime'
import { formatMs, say, sayDone, sayFact, sayFailure, sayTitle } from './print.ts'
import { provideDatabase, withoutCredentials } from './provide.ts'
import { tellStory } from './story.ts'
import { startWorld } from './world.ts'

const INTERRUPTED = 'Interrupted: everything was stopped and its database dropped.'

const interrupted = interruption()
try {
  await demonstrate(interrupted)
} catch (error) {
  process.exitCode = 1
  sayFailure(interrupted.aborted && !(error instanceof SuppressedError) ? INTERRUPTED : tell(error))
}

/** Provides, starts, tells, stops. */
async function demonstrate(signal: AbortSignal): Promise<void> {
  const startedMs = performance.now()
  sayTitle('CIMD Registrar')
  await using things = new AsyncDisposableStack()
  const database = things.use(await provideDatabase(process.env['CIMD_DATABASE_URL'] || undefined))
  signal.throwIfAborted()
  const queueUrl = process.env['CIMD_QUEUE_URL'] || undefined
  const world = things.use(await startWorld({ databaseUrl: database.url, queueUrl, signal }))
  sayFact('store', database.server)
  sayFact('queue', queueUrl === undefined ? 'the same database' : withoutCredentials(queueUrl))
  sayFact('api', world.apiUrl)

  const steps = await tellStory(world)
  say()
  const fetches = world.publishers.fetches()
  sayDone(`${steps} steps, ${fetches} fetches, ${formatMs(performance.now() - startedMs)}`)
}

// Stopping is bounded, so a second signal would gain nothing and leave a database behind.
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort())
  }
  return controller.signal
}

/** The first thing that went wrong, and below it what went wrong while stopping. */
function tell(error: unknown): string {
  if (!(error instanceof SuppressedError)) return explain(error)
  return `${tell(error.suppressed)}\nand while stopping: ${tell(error.error)}`
}
