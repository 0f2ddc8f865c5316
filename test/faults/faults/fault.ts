import type { World } from '../world.ts'

/** One kind of thing that goes wrong. */
export type Fault = {
  readonly name: string
  /** Turns of a run of twelve minutes; a shorter one has fewer, but each at least once. */
  readonly turns: number
  /** Whether what is written to the store may be lost on the way meanwhile. */
  readonly disturbsStore: boolean
  /** Whether it ends processes from within. */
  readonly endsServices?: true
  /** Why it cannot strike here, if so. */
  readonly impossible?: (world: World) => string | undefined
  /** Strikes, heals what has to be healed from outside, and resolves with how often it struck. */
  readonly strike: (world: World) => Promise<number>
}

/** Of faults of the Redis behind a queue. */
export function withoutRedis({ queue }: World): string | undefined {
  return queue.redis === undefined ? 'the queue is in Postgres' : undefined
}
