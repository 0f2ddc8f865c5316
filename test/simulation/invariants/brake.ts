import type { ClientEvidence, Evidence } from '../evidence.ts'
import { troubleAt } from '../failing.ts'
import { DAY, HOUR, MINUTE } from '../kinds.ts'
import { isAccepted } from '../spells.ts'
import { clockTime, finding, type Invariant } from './invariant.ts'

/** A fault of our own judge trips the brake, and costs nobody who uses a good client anything. */
export const faultTripsTheBrake: Invariant = (evidence) => {
  const { fault, clients } = evidence
  const hit = clients.filter(isHit)
  const violations = [...judgeBrake(evidence)]
  let [answers, rows] = [0, 0]
  for (const one of hit) {
    const meanwhile = one.answers.filter(
      ({ from }) => from >= fault.from && from < (fault.releasedAt ?? 0) + HOUR,
    )
    answers += meanwhile.length
    const after = one.states.filter(({ at }) => at > (fault.releasedAt ?? 0) + HOUR)
    rows += after.length
    violations.push(...judgeAnswers(evidence, one, meanwhile), ...judgeRows(evidence, one, after))
    violations.push(...judgeEvents(evidence, one))
  }
  const checked = {
    'clients hit': hit.length,
    released: fault.released,
    'answers meanwhile': answers,
    'rows after': rows,
  }
  return finding('a fault of our own trips the brake, not the clients', checked, violations)
}

// Of whom nothing was known before there is nothing to hold: a first contact that fails is tried again by the next user.
function isHit({ requests }: ClientEvidence): boolean {
  const firstRefused = requests.findIndex(({ refusedByFault }) => refusedByFault)
  return requests.slice(0, Math.max(0, firstRefused)).some(isAccepted)
}

function judgeBrake({ fault }: Evidence): readonly string[] {
  const { from, until, engagedAt, releasedAt } = fault
  if (engagedAt === undefined) return ['the brake was never engaged']
  return [
    ...(engagedAt < from || engagedAt > until ? [`the brake was engaged at ${clockTime(engagedAt)}`] : []),
    ...(releasedAt === undefined ? ['the brake was never released'] : []),
  ]
}

function judgeAnswers(
  { settings }: Evidence,
  { client }: ClientEvidence,
  answers: ClientEvidence['answers'],
): readonly string[] {
  // The lifetime of what must be revalidated may be over: then nothing but a valid answer helps, by its publisher's wish.
  if (/must-revalidate|no-store/.test(client.kind.cacheControl ?? '')) return []
  const lost = answers.find(({ from, kind }) => kind !== 'ready' && !hasTrouble(client, from, settings))
  return lost === undefined ? [] : [`${client.clientId} was lost at ${clockTime(lost.from)}: ${lost.code}`]
}

/** To be announced as withdrawn makes servers revoke what rests on the client, whatever is answered later. */
function judgeEvents({ fault, settings }: Evidence, { client, heard }: ClientEvidence): readonly string[] {
  const until = (fault.releasedAt ?? fault.until) + DAY
  const announced = heard
    .flat()
    .find(({ type, at }) => type === 'client.withdrawn' && at >= fault.from && at < until)
  if (announced === undefined || hasTrouble(client, announced.at, settings)) return []
  return [`${client.clientId} was announced as withdrawn at ${clockTime(announced.at)}`]
}

function judgeRows(
  { settings }: Evidence,
  { client }: ClientEvidence,
  rows: ClientEvidence['states'],
): readonly string[] {
  const wrong = rows.find(
    ({ at, reason, inUse }) => inUse && reason !== undefined && !hasTrouble(client, at, settings),
  )
  return wrong === undefined ? [] : [`${client.clientId} is ${wrong.reason} at ${clockTime(wrong.at)}`]
}

/** Trouble of its own now or shortly before, which retries may take a while to notice the end of. */
function hasTrouble(client: ClientEvidence['client'], at: number, settings: Evidence['settings']): boolean {
  for (let look = Math.max(0, at - 2 * HOUR); look <= Math.min(at, settings.days * DAY); look += MINUTE / 2) {
    if (troubleAt(client, look, settings) !== undefined) return true
  }
  return false
}
