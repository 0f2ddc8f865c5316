import { setTimeout as sleep } from 'node:timers/promises'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

const PAUSE_MS_MAX = 1000
const AT_WORK_SHARE = 0.85

/** The processes of a service are killed at random moments, be it while they start; `kills` of each place in a turn. */
export function killsOf(service: string, kills: number, turns: number): Fault {
  return {
    name: `kill -9 ${service}`,
    turns,
    disturbsStore: false,
    strike: async (world) => {
      const places = world.supervisor.members.filter((member) => member.service === service)
      const struck = await Promise.all(places.map(({ name }) => killTimes(world, name, kills)))
      return struck.reduce((sum, one) => sum + one, 0)
    },
  }
}

async function killTimes(world: World, name: string, kills: number): Promise<number> {
  let struck = 0
  for (let kill = 0; kill < kills; kill += 1) struck += (await killOne(world, name)) ? 1 : 0
  return struck
}

async function killOne({ supervisor, random }: World, name: string): Promise<boolean> {
  // Mostly at work, now and then while it starts.
  if (random.chance(AT_WORK_SHARE)) await supervisor.ready(name)
  await sleep(random.between(0, PAUSE_MS_MAX))
  return await supervisor.kill(name)
}
