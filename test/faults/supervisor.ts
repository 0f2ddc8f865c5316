import { setTimeout as sleep } from 'node:timers/promises'
import {
  NotStarted,
  type ServiceName,
  type ServiceProcess,
  startServiceProcess,
} from '../harness/service-process.ts'
import type { Life } from './evidence.ts'

/** One place in the deployment: whoever takes it is replaced when it ends. */
export type Member = { readonly name: string; readonly service: ServiceName }

/** Keeps a process in every place, as an orchestrator does. */
export type Supervisor = {
  readonly members: readonly Member[]
  /** Every process that has ended, in order of the ends. */
  readonly lives: readonly Life[]
  /** Starts that failed by themselves, which an orchestrator tries again. */
  readonly failedStarts: () => number
  /** Resolves when the place is taken by a process that has started. */
  readonly ready: (name: string) => Promise<void>
  readonly allReady: () => Promise<void>
  /** At once, whatever it is doing, be it still starting; false where there was none just then. Another one follows. */
  readonly kill: (name: string) => Promise<boolean>
  /** In order; another one follows. */
  readonly stop: (name: string) => Promise<void>
  /** What takes the place from its next start on; nothing: the release that is tested. */
  readonly deploy: (name: string, environment: Readonly<Record<string, string>> | undefined) => void
  readonly add: (member: Member) => void
  /** Stops one and leaves its place empty. */
  readonly remove: (name: string) => Promise<void>
  /** Stops all in order. */
  readonly close: () => Promise<void>
}

export type SupervisorOptions = {
  readonly members: readonly Member[]
  /** Of one process; `id` is of it alone. */
  readonly environmentOf: (member: Member, id: string) => Readonly<Record<string, string>>
  readonly onEvent: (line: string) => void
}

const FAILED_START_PAUSE_MS = 300
/** In a row: whatever strikes, what a service needs is back long before. */
const FAILED_STARTS_MAX = 60
const LAST_WORDS = 12

type Place = {
  readonly member: Member
  pid: number | undefined
  process: ServiceProcess | undefined
  /** Resolves when there is a started process, or none will come. */
  started: PromiseWithResolvers<void>
  ended: PromiseWithResolvers<void>
  expected: 'killed' | 'stopped' | undefined
  release: Readonly<Record<string, string>> | undefined
  vacant: boolean
  loop: Promise<void>
}

type Staff = {
  readonly options: SupervisorOptions
  readonly places: Map<string, Place>
  readonly lives: Life[]
  starts: number
  failedStarts: number
}

/** Starts every member and keeps it running until it is closed. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const staff: Staff = { options, places: new Map(), lives: [], starts: 0, failedStarts: 0 }
  const { places, lives } = staff
  for (const member of options.members) add(staff, member)
  return {
    members: options.members,
    lives,
    failedStarts: () => staff.failedStarts,
    ready: (name) => placeOf(staff, name).started.promise,
    allReady: async () =>
      void (await Promise.all([...places.values()].map(({ started }) => started.promise))),
    kill: (name) => end(placeOf(staff, name), 'killed'),
    stop: async (name) => {
      await placeOf(staff, name).started.promise
      await end(placeOf(staff, name), 'stopped')
    },
    deploy: (name, environment) => {
      placeOf(staff, name).release = environment
    },
    add: (member) => add(staff, member),
    remove: (name) => remove(staff, name),
    close: async () => void (await Promise.all([...places.keys()].map((name) => remove(staff, name)))),
  }
}

function placeOf({ places }: Staff, name: string): Place {
  const place = places.get(name)
  if (place === undefined) throw new Error(`there is no ${name}`)
  return place
}

function add(staff: Staff, member: Member): void {
  const place: Place = {
    ...{ member, pid: undefined, process: undefined, expected: undefined, release: undefined },
    ...{ started: Promise.withResolvers(), ended: Promise.withResolvers(), vacant: false },
    loop: Promise.resolve(),
  }
  staff.places.set(member.name, place)
  place.loop = keep(staff, place)
}

async function remove(staff: Staff, name: string): Promise<void> {
  const place = placeOf(staff, name)
  await place.started.promise
  place.vacant = true
  await end(place, 'stopped')
  await place.loop
  staff.places.delete(name)
}

async function keep(staff: Staff, place: Place): Promise<void> {
  let failed = 0
  while (!place.vacant) {
    staff.starts += 1
    const id = `${place.member.name}.${staff.starts}`
    const from = Date.now()
    const exit = await live(place, staff.options.environmentOf(place.member, id))
    const life = lifeOf(place, { id, from, ...exit })
    Object.assign(place, { process: undefined, pid: undefined, expected: undefined })
    place.ended.resolve()
    place.ended = Promise.withResolvers()
    if (life !== undefined) {
      staff.lives.push(life)
      failed = 0
    } else {
      staff.failedStarts += 1
      failed += 1
      if (failed > FAILED_STARTS_MAX) throw new Error(`${place.member.name} does not start: ${exit.said}`)
      staff.options.onEvent(`${id} did not start: ${exit.said}`)
      await sleep(FAILED_START_PAUSE_MS)
    }
  }
  place.started.resolve()
}

/** False: nobody is there to be ended. */
async function end(place: Place, how: 'killed' | 'stopped'): Promise<boolean> {
  const { pid, ended } = place
  if (pid === undefined) return false
  place.expected = how
  process.kill(pid, how === 'killed' ? 'SIGKILL' : 'SIGTERM')
  await ended.promise
  return true
}

type Exit = { readonly exitCode: number | undefined; readonly said: string; readonly ran: boolean }

/** From the start of a process to its end. */
async function live(place: Place, environment: Readonly<Record<string, string>>): Promise<Exit> {
  const onSpawned = (pid: number): void => {
    place.pid = pid
  }
  try {
    const release = place.release ?? {}
    place.process = await startServiceProcess(
      place.member.service,
      { ...environment, ...release },
      {
        environment: {},
        onSpawned,
      },
    )
    place.started.resolve()
    const exitCode = await place.process.exited
    place.started = Promise.withResolvers()
    return { exitCode, said: lastWords(place.process), ran: true }
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    return { exitCode: error.exitCode, said: error.said.trim().slice(-300), ran: false }
  }
}

/** Undefined: it could not start, for what it needs is away. */
function lifeOf(
  { member, expected }: Place,
  { id, from, exitCode, said, ran }: Exit & { readonly id: string; readonly from: number },
): Life | undefined {
  if (!ran && expected === undefined && exitCode !== undefined) return undefined
  const end = expected ?? 'by itself'
  const isStrange = end === 'by itself' || (end === 'stopped' && exitCode !== 0)
  return {
    ...{ id, service: member.service, from, until: Date.now(), end, exitCode },
    ...(isStrange && { said }),
  }
}

function lastWords({ said, log }: ServiceProcess): string {
  const lines = log.slice(-LAST_WORDS).map((line) => JSON.stringify(line))
  return [...lines, ...said].join('\n')
}
