import type { LinkedKind } from '@cimd/core'
import type { Logger } from '@cimd/runtime'
import { describe, expect, it } from 'vitest'
import { unfetchedKeys } from './claims.fixture.ts'
import { type RunJobDeps, runJob } from './run-job.ts'

const noAbort = new AbortController().signal
const out = (): never => {
  throw new Error('nothing of this is needed')
}

/** A client whose document is fresh, and of whose resources all that may be claimed are deferred. */
function setup(canDecode: () => Promise<boolean>, defer: (kind: LinkedKind) => void = () => {}) {
  const claimed: LinkedKind[] = []
  const logged: unknown[] = []
  const note = ({ event }: { event: string }): unknown => logged.push(event)
  const given = {
    log: { debug: note, info: note, error: note } as unknown as Logger,
    documents: { claim: async () => undefined },
    resources: {
      claim: async (_: string, kinds: readonly LinkedKind[]) => {
        claimed.push(...kinds)
        return kinds.map((kind) => ({ ...unfetchedKeys, kind, resource: kind }))
      },
      takeDecoder: () => ({ [Symbol.dispose]: () => {} }),
      takeBudget: async () => ({ kind: 'deferred', code: 'host_budget', retryAfterSeconds: 7 }),
      defer: async ({ kind }: { kind: LinkedKind }) => defer(kind),
      monotonicMs: () => 0,
      announce: async () => {},
      pause: async () => {},
      faultPauses: { secondsAfter: () => 20 },
    },
    canDecode,
  }
  // Of all that a job may need, what such a one does.
  const deps = given as unknown as RunJobDeps
  return {
    run: (queue: 'fetch' | 'refresh') => runJob(deps, queue, { client: '7' }, noAbort),
    ...{ claimed, logged },
  }
}

describe('runJob', () => {
  it.each<['fetch' | 'refresh', boolean, LinkedKind[]]>([
    ['fetch', true, ['jwks']],
    ['refresh', true, ['jwks', 'logo']],
    ['refresh', false, ['jwks']],
  ])('UI-06: for the %s queue, with a decoder that works: %s, claims %j', async (queue, works, kinds) => {
    const { run, claimed } = setup(async () => works)
    await run(queue)
    expect(claimed).toEqual(kinds)
  })

  it('asks for no decoder where a user waits', async () => {
    const { run, claimed } = setup(out)
    await run('fetch')
    expect(claimed).toEqual(['jwks'])
  })

  it('logs how each fetch ended, also beside one that struck a fault', async () => {
    const { run, logged } = setup(
      async () => true,
      (kind) => {
        if (kind === 'jwks') throw new Error('a bug')
      },
    )
    await expect(run('refresh')).rejects.toThrow('a bug')
    expect(logged.toSorted()).toEqual(['job.nothing_to_do', 'resource.deferred', 'resource.faulted'])
  })
})
