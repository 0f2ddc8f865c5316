import type { CuttableLink } from '../harness/cuttable-link.ts'
import type { Load } from './load.ts'
import type { OwnedPostgres } from './owned-postgres.ts'
import type { OwnedRedis } from './owned-redis.ts'
import type { Owner } from './owner.ts'
import type { Publishers } from './publishers.ts'
import type { Random } from './random.ts'
import type { Supervisor } from './supervisor.ts'

/** All that a fault can lay hands on. */
export type World = {
  readonly supervisor: Supervisor
  readonly postgres: OwnedPostgres
  readonly owner: Owner
  /** The ways of the services to their servers, with nothing else on them. */
  readonly links: { readonly store: CuttableLink; readonly queue: CuttableLink }
  readonly queue: Queue
  readonly publishers: Publishers
  readonly load: Load
  readonly random: Random
  /** Seconds by which the database's clock is ahead, and when it was moved. */
  readonly moveClock: (offsetSeconds: number) => Promise<void>
  /** What an operator does once the cause is mended. */
  readonly releaseQuarantine: (clientId: string) => Promise<void>
}

/** The queue behind the link, as its owner. */
export type Queue = {
  readonly kind: 'redis' | 'postgres'
  /** Where the queue is a Redis of its own. */
  readonly redis: OwnedRedis | undefined
  /** Every job is forgotten. */
  readonly empty: () => Promise<void>
  /** A job as some other release, or nobody in his senses, would put it there. */
  readonly put: (queue: 'fetch' | 'refresh', data: unknown) => Promise<void>
}
