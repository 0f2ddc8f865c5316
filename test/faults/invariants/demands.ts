import type { Demand, Evidence } from '../evidence.ts'
import { current, finding, type Invariant, type Violation, wasDown } from './invariant.ts'

/** A demand that joins a fetch may be answered by what began to be fetched so much earlier: the lease of a claim, and a retry. */
const JOINED_MS = 20_000
/** Tickets are kept for an hour of the database's clock. */
const TICKET_SECONDS = 3600
/** What a client in use can come to that its publisher did not say. */
const NOT_ITS_WORD = /^(timeout_|dns_|connect|tls_|response_incomplete|stale_expired)/

/** Every demand is answered, of a refresh by what was published since it was demanded, and no ticket is forgotten. */
export const everyDemandIsAnswered: Invariant = (evidence) => {
  const violations: Violation[] = []
  const checked = { demands: evidence.demands.length, refreshes: 0 }
  const beside = { 'demands of two calls or more': 0, 'tickets expired by a clock step': 0 }
  for (const demand of evidence.demands) {
    if (demand.kind === 'refresh') checked.refreshes += 1
    if (demand.calls > 1) beside['demands of two calls or more'] += 1
    const expired = demand.ticketsLost.filter((ticket) => isExpired(evidence, ticket))
    beside['tickets expired by a clock step'] += expired.length
    const lost = demand.ticketsLost.length - expired.length
    if (lost > 0) violations.push(lostOf(demand, `${lost} tickets were forgotten`))
    violations.push(...judgeEnd(evidence, demand))
  }
  return finding('every demand is answered', checked, violations, beside)
}

function isExpired({ clockSteps }: Evidence, { issuedAt, at }: Demand['ticketsLost'][number]): boolean {
  const offsetAt = (instant: number): number =>
    clockSteps.findLast((step) => step.at <= instant)?.offsetSeconds ?? 0
  // A step that was taken while the call ran may count for either.
  const stepped = offsetAt(at + 1000) - offsetAt(issuedAt - 1000)
  return stepped + (at - issuedAt) / 1000 >= TICKET_SECONDS
}

function judgeEnd(evidence: Evidence, demand: Demand): readonly Violation[] {
  const { end, clientId, kind, takenAt } = demand
  if (end === undefined) return wasTried(evidence, demand) ? [] : [lostOf(demand, 'no answer')]
  if (end.kind === 'problem') return judgeProblem(evidence, demand, end.code)
  const known = current(evidence, clientId, 0, end.at)
  if (!known.some(({ digest }) => digest === end.digest)) {
    return [
      { wrong: 'unexplained', what: `${describe(demand)}: ${end.digest} was never published`, at: demand.at },
    ]
  }
  // Whoever is told why it is stale knows that it is an older one.
  if (kind === 'resolve' || end.code !== undefined) return []
  const since = current(evidence, clientId, takenAt, end.at)
  if (since.some(({ digest }) => digest === end.digest)) return []
  return [lostOf(demand, `answered with ${end.digest}, which had been replaced before`)]
}

// What is fresh is answered as it was while its publisher does not answer.
function wasTried({ records, clockSteps }: Evidence, { clientId, kind, takenAt }: Demand): boolean {
  const aheadMs = 1000 * (clockSteps.findLast(({ at }) => at <= takenAt)?.offsetSeconds ?? 0)
  return records.attempts.some((attempt) => {
    const isSince = attempt.startedAt.getTime() >= takenAt + aheadMs
    return kind === 'refresh' && attempt.clientId === clientId && attempt.failureCode !== null && isSince
  })
}

function judgeProblem(evidence: Evidence, demand: Demand, code = ''): readonly Violation[] {
  const { clientId, at, end } = demand
  if (NOT_ITS_WORD.test(code)) return []
  if (code === 'status_404' && wasDown(evidence, clientId, at - JOINED_MS, end?.at ?? at)) return []
  return [{ wrong: 'unexplained', what: `${describe(demand)}: answered ${code}`, at }]
}

function lostOf(demand: Demand, what: string): Violation {
  return { wrong: 'lost', what: `${describe(demand)}: ${what}`, at: demand.at }
}

function describe({ kind, tenant, clientId }: Demand): string {
  return `${kind} of ${clientId} by ${tenant}`
}
