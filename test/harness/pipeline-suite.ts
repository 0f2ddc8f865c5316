import { afterAll, afterEach, beforeAll, inject } from 'vitest'
import { createAuthority } from './authority.ts'
import { describeEachBackend, type TestBackend } from './backends.ts'
import { type Origin, startOrigin } from './origin.ts'
import { type Pipeline, type PipelineOptions, startPipeline } from './pipeline.ts'
import { createDatabase } from './postgres.ts'

/** What a test of the whole system works with; usable from the first test on. */
export type PipelineSuite = {
  readonly backend: TestBackend
  readonly origin: Origin
  readonly pipeline: Pipeline
}

type Extra = Pick<PipelineOptions, 'services' | 'environment' | 'options' | 'resolutions' | 'unjudged'>

/** A suite on both queue backends, each with a database, an origin and the services as processes of its own. */
export function describePipeline(name: string, extra: Extra, suite: (it: PipelineSuite) => void): void {
  describeEachBackend(name, (backend) => {
    const parts: Partial<{ origin: Origin; pipeline: Pipeline }> = {}
    const undo: (() => Promise<void>)[] = []
    beforeAll(async () => {
      const postgres = inject('postgres')
      if (postgres.kind === 'missing') throw new Error(postgres.how)
      const database = await createDatabase(postgres.url, { template: inject('template') })
      undo.push(database.drop)
      parts.origin = await startOrigin({ hosts: [], authority: await createAuthority() })
      undo.push(parts.origin.close)
      const options = { databaseUrl: database.url, queueUrl: backend.url, origin: parts.origin, ...extra }
      parts.pipeline = await startPipeline(options)
      undo.push(parts.pipeline.close)
    })
    afterEach(({ task }) => {
      if (task.result?.state === 'fail') printLogs(parts.pipeline)
    })
    afterAll(async () => {
      for (const step of undo.toReversed()) await step()
    })
    suite({
      backend,
      get origin() {
        return present(parts.origin)
      },
      get pipeline() {
        return present(parts.pipeline)
      },
    })
  })
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the suite has not begun')
  return part
}

// The services' own words explain a failure best.
function printLogs(pipeline: Pipeline | undefined): void {
  for (const name of ['api', 'fetcher', 'scheduler', 'notifier'] as const) {
    const lines = pipeline?.logOf(name).slice(-15) ?? []
    for (const line of lines) console.error(name, JSON.stringify(line))
  }
}
