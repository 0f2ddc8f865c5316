import type { SpokenClass } from '@cimd/core'
import type { ClientEvidence, OriginRequest } from './evidence.ts'
import { troubleAt } from './failing.ts'
import type { Instant } from './kinds.ts'
import type { Settings } from './population.ts'

/** A run of requests that failed, as its origin saw it. */
export type Spell = {
  readonly failureClass: SpokenClass
  readonly from: Instant
  /** When the origin was well again. */
  readonly wellAt: Instant
  /** When it was next asked and answered with a document; the end of the run if it never was. */
  readonly until: Instant
  readonly ended: boolean
}

const LOOK_SECONDS = 10

/** Whether an answer was a usable document that was taken. */
export function isAccepted({ digest, refusedByFault }: OriginRequest): boolean {
  return digest !== undefined && !refusedByFault
}

/** What an answer that was not taken says by the classes of docs/lifecycle.md, written down here once more. */
export function classOfRequest({ status }: OriginRequest): SpokenClass {
  if (status >= 500) return 'unreachable'
  if (status === 404 || status === 410) return 'withdrawn'
  return status >= 300 && status <= 399 ? 'ambiguous' : 'rejected'
}

/** The spells after the first document was had; the publisher's word counts before an outage. */
export function spellsOf(
  { client, requests }: ClientEvidence,
  settings: Settings,
  end: Instant,
): readonly Spell[] {
  const first = requests.findIndex(isAccepted)
  const spells: Spell[] = []
  for (let at = first < 0 ? requests.length : first; at < requests.length; ) {
    const failed = requests.slice(at).findIndex((request) => !isAccepted(request))
    if (failed < 0) break
    const rest = requests.slice(at + failed)
    const well = rest.findIndex(isAccepted)
    const run = well < 0 ? rest : rest.slice(0, well)
    const until = rest[well]?.at ?? end
    const [from, last] = [run[0]?.at ?? end, run.at(-1)?.at ?? end]
    let wellAt = last
    while (wellAt < until && troubleAt(client, wellAt, settings) !== undefined) wellAt += LOOK_SECONDS
    spells.push({
      failureClass: gravest(run),
      from,
      wellAt: Math.min(wellAt, until),
      until,
      ended: well >= 0,
    })
    at += failed + run.length
  }
  return spells
}

function gravest(run: readonly OriginRequest[]): SpokenClass {
  const classes = new Set(run.map(classOfRequest))
  const order = ['rejected', 'withdrawn', 'ambiguous'] as const
  return order.find((one) => classes.has(one)) ?? 'unreachable'
}
