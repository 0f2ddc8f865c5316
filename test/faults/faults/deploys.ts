import { setTimeout as sleep } from 'node:timers/promises'
import { withEdits } from '../edits/environment.ts'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

const SIDE_BY_SIDE_MS = 4000
const OTHERS_JOBS = 10

/** Each service is told to stop while it works, and replaced. */
const stopped: Fault = {
  name: 'SIGTERM to each in turn',
  turns: 3,
  disturbsStore: false,
  strike: async ({ supervisor, random }) => {
    for (const { name } of supervisor.members) {
      await supervisor.stop(name)
      await sleep(random.between(0, 500))
    }
    return supervisor.members.length
  },
}

/**
 * Halfway through a deploy: the newer release writes jobs that the older one does not understand, and takes those of both;
 * then it is taken back. Beside them stand jobs that nobody understands.
 */
const mixed: Fault = {
  name: 'two releases side by side',
  turns: 2,
  disturbsStore: false,
  strike: async (world) => {
    const { supervisor } = world
    const newer = withEdits('release-2')
    const replaced = ['api', 'fetcher-2']
    supervisor.add({ name: 'scheduler-2', service: 'scheduler' })
    await rollOut(world, replaced, newer)
    await putOthers(world)
    await sleep(SIDE_BY_SIDE_MS)
    await rollOut(world, replaced, undefined)
    await supervisor.remove('scheduler-2')
    return 1
  },
}

async function rollOut(
  { supervisor }: World,
  names: readonly string[],
  release: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  for (const name of names) {
    supervisor.deploy(name, release)
    await supervisor.stop(name)
    await supervisor.ready(name)
  }
}

/** Jobs of a release to come, spoilt ones, and ones about clients that are no more. */
async function putOthers({ queue, random }: World): Promise<void> {
  const kinds = [
    () => ({ v: 3, clients: [1, 2] }),
    () => ({ v: 1, client: 'nobody' }),
    () => ({ v: 1, client: '900719925474099' }),
    () => 'no object',
    () => ({}),
  ]
  for (let put = 0; put < OTHERS_JOBS; put += 1) {
    const job = random.pick(kinds)()
    await queue.put(random.chance(0.5) ? 'fetch' : 'refresh', job).catch(() => undefined)
  }
}

export const DEPLOY_FAULTS: readonly Fault[] = [stopped, mixed]
