import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const CUT_MS_MAX = 2000
const PAUSE_MS_MIN = 2000
const PAUSE_MS_MAX = 5000
/** Until those that wait for what never comes have given up. */
const STALL_MS = 6000

type Link = 'store' | 'queue'

const SERVER_OF: Readonly<Record<Link, string>> = { store: 'Postgres', queue: 'queue' }

function cut(link: Link): Fault {
  return {
    name: `connections to ${SERVER_OF[link]} cut`,
    turns: 4,
    disturbsStore: link === 'store',
    strike: async ({ links, random }) => {
      await links[link].cut()
      await sleep(random.between(0, CUT_MS_MAX))
      await links[link].restore()
      return 1
    },
  }
}

/** Nothing comes through for a while, and then all of it. */
function pause(link: Link): Fault {
  return {
    name: `connections to ${SERVER_OF[link]} held`,
    turns: 3,
    disturbsStore: link === 'store',
    strike: async ({ links, random }) => {
      links[link].pause()
      await sleep(random.between(PAUSE_MS_MIN, PAUSE_MS_MAX))
      links[link].resume()
      return 1
    },
  }
}

/** As if the other side had vanished without a word; whoever connects again finds it. */
function stall(link: Link): Fault {
  return {
    name: `connections to ${SERVER_OF[link]} dead`,
    turns: 2,
    disturbsStore: link === 'store',
    strike: async ({ links }) => {
      links[link].stall()
      await sleep(STALL_MS)
      return 1
    },
  }
}

export const LINK_FAULTS: readonly Fault[] = (['store', 'queue'] as const).flatMap((link) => [
  cut(link),
  pause(link),
  stall(link),
])
