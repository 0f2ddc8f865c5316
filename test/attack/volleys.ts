import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Arena, DEADLINE_MS, SLACK_MS } from './arena.ts'
import { BEHAVIOURS, type BehaviourName } from './behaviours.ts'
import { addresses, startNameServer, type Zone } from './name-server.ts'
import type { VolleyOrder, VolleyReport } from './processes/volley.ts'

const VOLLEY = fileURLToPath(new URL('processes/volley.ts', import.meta.url))

/** Fetches at once in a volley. */
export const VOLLEY_COUNT = 100

/** The most memory that a volley may cost. */
export const GROWTH_BYTES_MAX = 16 * 1024 * 1024

/** How often a volley is fired again that seems to have cost too much. */
const AGAIN_MAX = 5

/** What is fired at: all redirects of one status are one answer to read. */
export const VOLLEY_BEHAVIOURS: readonly BehaviourName[] = (
  Object.keys(BEHAVIOURS) as BehaviourName[]
).filter((name) => !/^redirect_3\d\d_(?!absolute)/.test(name))

/** A process that fetches by the hundred and tells what it cost. */
export type Volleys = AsyncDisposable & {
  fire(behaviour: BehaviourName): Promise<VolleyReport>
  /** At a good server, whose name the zone resolves: over a real resolver and its sockets. */
  fireBy(zone: Zone, count?: number): Promise<VolleyReport>
}

const plainly: Zone = (question) => addresses(question, ['93.184.215.14'])

/** Starts the process and warms it up. */
export async function startVolleys({ origin }: Arena): Promise<Volleys> {
  const names = await startNameServer(plainly)
  const order = JSON.stringify({ ca: origin.ca, deadlineMs: DEADLINE_MS })
  // With a small young generation, as where memory is capped, so that garbage is not taken for growth.
  const child = fork(VOLLEY, [order], { execArgv: ['--expose-gc', '--max-semi-space-size=2'] })
  const sendOnce = async (order: VolleyOrder): Promise<VolleyReport> => {
    const reported = once(child, 'message')
    child.send(order)
    const [report] = await reported
    return report
  }
  // The collector gives pages back and takes them again as it likes, and a machine is busy with something else now and
  // then. What a volley needs, it needs every time.
  const send = async (order: VolleyOrder): Promise<VolleyReport> => {
    let report = await sendOnce(order)
    for (let again = 0; again < AGAIN_MAX && !isWithinBounds(report); again += 1) {
      report = leastOf(report, await sendOnce(order))
    }
    return report
  }
  const orderFor = (behaviour: BehaviourName): VolleyOrder => ({
    port: origin.portOf(behaviour),
    path: `/${behaviour}/client.json`,
    count: VOLLEY_COUNT,
  })
  const fire = (behaviour: BehaviourName) => send(orderFor(behaviour))
  const fireBy = (zone: Zone, count = VOLLEY_COUNT) => {
    names.answerWith(zone)
    return send({ ...orderFor('ok'), count, servers: names.servers })
  }
  // Code is compiled once, and the buffers of a hundred connections are kept by the allocator: neither is growth.
  for (const behaviour of ['ok', 'ok', 'ok', 'body_stall', 'hdr_infinite', 'cl_infinite'] as const) {
    await fire(behaviour)
  }
  await fireBy(plainly)
  return {
    fire,
    fireBy,
    async [Symbol.asyncDispose]() {
      child.kill()
      await names.close()
    },
  }
}

/** Whether a volley ended in time and cost no more memory than it may. */
export function isWithinBounds({ elapsedMsMax, residentGrowthBytes }: VolleyReport): boolean {
  return elapsedMsMax < DEADLINE_MS + SLACK_MS && residentGrowthBytes < GROWTH_BYTES_MAX
}

/** The least that it cost, and all that ever came of it. */
function leastOf(one: VolleyReport, other: VolleyReport): VolleyReport {
  return {
    codes: { ...one.codes, ...other.codes },
    elapsedMsMax: Math.min(one.elapsedMsMax, other.elapsedMsMax),
    residentGrowthBytes: Math.min(one.residentGrowthBytes, other.residentGrowthBytes),
    left: [...one.left, ...other.left],
  }
}
