import { readdirSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

/** What this process holds open. */
export type Holdings = {
  /** As Node names them: sockets, timers, requests under way. */
  readonly resources: readonly string[]
  /** File descriptors; undefined where the system does not tell. */
  readonly descriptors: number | undefined
}

/** Turns of the event loop that a destroyed socket has to be gone in. */
const CLOSING_TURNS_MAX = 1000
const DESCRIPTORS = '/proc/self/fd'

/** Takes stock. What is dropped and not closed, such as a channel to a name server, has to have been collected before. */
export function holdingsNow(): Holdings {
  return {
    resources: process.getActiveResourcesInfo().filter((resource) => resource !== 'Immediate'),
    descriptors: countDescriptors(),
  }
}

/** The resources that were not there before, once closing has had its time. */
export async function resourcesSince({ resources: before }: Holdings): Promise<readonly string[]> {
  for (let turn = 0; turn < CLOSING_TURNS_MAX; turn += 1) {
    if (without(holdingsNow().resources, before).length === 0) return []
    await setImmediate()
  }
  return without(holdingsNow().resources, before)
}

function without(all: readonly string[], before: readonly string[]): readonly string[] {
  const left = [...all]
  for (const resource of before) {
    const at = left.indexOf(resource)
    if (at >= 0) left.splice(at, 1)
  }
  return left
}

function countDescriptors(): number | undefined {
  try {
    return readdirSync(DESCRIPTORS).length
  } catch {
    return undefined
  }
}
