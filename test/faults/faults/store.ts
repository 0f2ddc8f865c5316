import { setTimeout as sleep } from 'node:timers/promises'
import type { OwnedPostgres } from '../owned-postgres.ts'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

const AWAY_MS_MAX = 2500
const FULL_MS = 4000
const REFILL_MS = 200

function restart(mode: 'fast' | 'immediate', name: string): Fault {
  return {
    name,
    turns: 4,
    disturbsStore: true,
    strike: async ({ postgres, random }) => {
      await postgres.stop(mode)
      await sleep(random.between(0, AWAY_MS_MAX))
      await postgres.start()
      return 1
    },
  }
}

/** While its disk is full nothing new is written; afterwards it goes on, or is started again. */
function fullDisk(which: 'data' | 'wal', name: string): Fault {
  return {
    name,
    turns: 2,
    disturbsStore: true,
    impossible: ({ postgres }) =>
      postgres.disks === undefined ? 'only root can mount a disk to fill up' : undefined,
    strike: async (world) => {
      const disk = disksOf(world.postgres)[which]
      try {
        const endsAt = performance.now() + FULL_MS
        let refused = false
        while (performance.now() < endsAt || !refused) {
          disk.fill()
          refused ||= await isRefused(world)
          await sleep(REFILL_MS)
          if (performance.now() > endsAt + FULL_MS)
            throw new Error(`the ${which} disk is full, and nobody noticed`)
        }
      } finally {
        disk.free()
        await world.postgres.revive()
      }
      return 1
    },
  }
}

function disksOf({ disks }: OwnedPostgres): NonNullable<OwnedPostgres['disks']> {
  if (disks === undefined) throw new Error('there are no disks to fill up')
  return disks
}

/** Whether what takes room is refused by now. */
async function isRefused({ owner }: World): Promise<boolean> {
  try {
    await owner.tryQuery(`create table if not exists faults_ballast (ballast text storage external)`)
    await owner.tryQuery(`insert into faults_ballast select repeat('x', 200000) from generate_series(1, 10)`)
    return false
  } catch {
    return true
  }
}

export const STORE_FAULTS: readonly Fault[] = [
  restart('fast', 'Postgres restarted'),
  restart('immediate', 'Postgres killed'),
  fullDisk('data', 'disk full'),
  fullDisk('wal', 'disk of the WAL full'),
]
