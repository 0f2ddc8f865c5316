import type { ClientEvidence, ResolveAnswer } from '../evidence.ts'
import { isAccepted } from '../spells.ts'
import { clockTime, finding, type Invariant, isOfTheFault } from './invariant.ts'

/** No good client is locked out by one failed refresh, and nobody waits in vain. */
export const oneFailureLocksNobodyOut: Invariant = ({ clients, fault }) => {
  const violations: string[] = []
  const checked = { 'single failures': 0, 'answers after one failure': 0, problems: 0 }
  for (const evidence of clients) {
    checked['single failures'] += singleFailures(evidence)
    for (const answer of evidence.answers) {
      const failures = failuresBefore(evidence, answer)
      if (failures === undefined || isOfTheFault(answer, fault)) continue
      if (failures === 1) checked['answers after one failure'] += 1
      if (answer.kind === 'ready') continue
      checked.problems += 1
      if (failures > 1 || mayEndAtOnce(evidence, answer)) continue
      const told = `${answer.kind} ${answer.code ?? ''} after ${failures} failures`
      violations.push(`${evidence.client.clientId} at ${clockTime(answer.from)}: ${told}`)
    }
  }
  return finding('one failed refresh locks nobody out', checked, violations)
}

function singleFailures({ requests }: ClientEvidence): number {
  const isGood = (index: number) => requests[index] !== undefined && isAccepted(requests[index])
  return requests.filter((one, index) => !isAccepted(one) && isGood(index - 1) && isGood(index + 1)).length
}

/** Failures since the last document, those that the resolve met itself among them; undefined before the first one. */
function failuresBefore({ requests }: ClientEvidence, { until }: ResolveAnswer): number | undefined {
  const before = requests.filter(({ at }) => at <= until)
  const last = before.findLastIndex(isAccepted)
  return last < 0 ? undefined : before.length - 1 - last
}

// What forbids stale use ends with its lifetime: a login that meets the failure itself is refused by the publisher's wish.
function mayEndAtOnce({ client, requests }: ClientEvidence, { from, until }: ResolveAnswer): boolean {
  const { cacheControl = '' } = client.kind
  if (!/must-revalidate|no-store/.test(cacheControl)) return false
  return requests.some((request) => request.at >= from && request.at <= until && !isAccepted(request))
}
