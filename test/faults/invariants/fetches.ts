import type { AttemptRow, ClientRow, Evidence, Hit } from '../evidence.ts'
import { explain, isLeaptOver, outlastsClaim } from './audit.ts'
import { finding, type Invariant, type Violation } from './invariant.ts'

/**
 * No fetch is beyond what demands and the schedule explain: each generation is answered once, each is wanted by a call or by
 * the schedule, and an attempt whose claim was lost has a fault to blame.
 */
export const fetchesAreExplained: Invariant = (evidence) => {
  const attempts = Map.groupBy(evidence.records.attempts, ({ clientId }) => clientId)
  const calls = new Map<string, number>()
  for (const { clientId, calls: made } of evidence.demands)
    calls.set(clientId, (calls.get(clientId) ?? 0) + made)
  const hits = new Map(evidence.hits.map((hit) => [hit.number, hit]))
  const violations: Violation[] = []
  const beside = { 'late records of lost claims': 0 }
  for (const client of evidence.records.clients) {
    const made = attempts.get(client.clientId) ?? []
    violations.push(...judgeGenerations(client, made))
    violations.push(...judgeWanted(evidence, client, calls.get(client.clientId) ?? 0, made))
    for (const attempt of made.filter(({ applied }) => !applied)) {
      const isExplained =
        outlastsClaim(attempt) || isLeaptOver(evidence, attempt) || isDisturbed(evidence, attempt, hits)
      if (isExplained) beside['late records of lost claims'] += 1
      else violations.push(unexplainedLoss(attempt))
    }
  }
  const checked = { clients: evidence.records.clients.length, attempts: evidence.records.attempts.length }
  return finding('every fetch is explained', checked, violations, beside)
}

function judgeGenerations({ clientId }: ClientRow, attempts: readonly AttemptRow[]): readonly Violation[] {
  const applied = attempts.filter((attempt) => attempt.applied).map(({ generation }) => generation)
  const repeated = applied.filter((generation, index) => applied.indexOf(generation) !== index)
  const isInOrder = applied.every(
    (generation, index) => index === 0 || generation >= (applied[index - 1] ?? 0),
  )
  return [
    ...repeated.map((generation): Violation => {
      return { wrong: 'duplicated', what: `${clientId}: generation ${generation} was answered twice` }
    }),
    ...(isInOrder
      ? []
      : [
          {
            wrong: 'out of order',
            what: `${clientId}: generations were answered in the order ${applied}`,
          } as const,
        ]),
  ]
}

// The schedule wants a client once after each step of the clock, and again after each failure.
function judgeWanted(
  { clockSteps }: Evidence,
  { clientId, wanted }: ClientRow,
  calls: number,
  attempts: readonly AttemptRow[],
): readonly Violation[] {
  const failures = attempts.filter(({ outcome }) => outcome === 'failed').length
  const explained = calls + clockSteps.length + failures
  if (wanted <= explained) return []
  const what = `${clientId}: wanted ${wanted} times; ${calls} calls, ${clockSteps.length} steps of the clock and ${failures} failures explain ${explained}`
  return [{ wrong: 'unexplained', what }]
}

function isDisturbed(evidence: Evidence, attempt: AttemptRow, hits: ReadonlyMap<number, Hit>): boolean {
  const [, number] = /; hit=(\d+)$/.exec(attempt.evidence.contentType ?? '') ?? []
  const hit = hits.get(Number(number))
  return hit !== undefined && explain(evidence, hit) !== undefined
}

function unexplainedLoss({ clientId, generation }: AttemptRow): Violation {
  const what = `${clientId}, generation ${generation}: its claim was lost, and no fault explains that`
  return { wrong: 'unexplained', what }
}
