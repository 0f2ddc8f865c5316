import { randomUUID } from 'node:crypto'
import { repeat } from '@cimd/runtime'

/** What a fetcher's signs of life need from the world. */
export type SignOfLifeDeps = {
  /** Rejects while no jobs can be taken: then there is no sign. */
  readonly checkIntake: () => Promise<void>
  readonly sign: (id: string) => Promise<void>
  readonly end: (id: string) => Promise<void>
  readonly onError: (error: unknown) => void
}

/** Several within the shortest silence after which a fetcher is taken to be gone. */
const SIGN_INTERVAL_MS = 2000

/** Signs that this fetcher takes jobs, from now on until it is stopped, which takes the sign away (SRV-04). */
export function signOfLife(deps: SignOfLifeDeps, intervalMs = SIGN_INTERVAL_MS): { stop(): Promise<void> } {
  const id = randomUUID()
  const signs = repeat(
    intervalMs,
    async () => {
      await deps.checkIntake()
      await deps.sign(id)
    },
    deps.onError,
  )
  return {
    stop: async () => {
      await signs.stop()
      await deps.end(id)
    },
  }
}
