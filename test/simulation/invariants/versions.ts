import type { ClientEvidence } from '../evidence.ts'
import { isAccepted } from '../spells.ts'
import { clockTime, finding, type Invariant } from './invariant.ts'

/** Every accepted document is a version, and the current one is the newest and never vanishes. */
export const noVersionIsLost: Invariant = ({ clients }) => {
  const violations: string[] = []
  const checked = { 'documents served': 0, rows: 0, answers: 0 }
  for (const evidence of clients) {
    const served = new Set(evidence.requests.filter(isAccepted).flatMap(({ digest }) => digest ?? []))
    checked['documents served'] += served.size
    for (const digest of served) {
      if (!evidence.versions.has(digest)) violations.push(`${evidence.client.clientId}: no version ${digest}`)
    }
    checked.rows += evidence.states.length
    checked.answers += evidence.answers.length
    violations.push(...judgeRows(evidence), ...judgeAnswers(evidence))
  }
  return finding('no version is lost', checked, violations)
}

function judgeRows({ client, requests, states }: ClientEvidence): readonly string[] {
  return states.flatMap(({ at, digest }) => {
    const current = requests.findLast((request) => request.at <= at && isAccepted(request))?.digest
    if (current === digest) return []
    return [`${client.clientId} at ${clockTime(at)}: has ${digest}, was served ${current}`]
  })
}

// What is served while a resolve runs may be its answer or not.
function judgeAnswers({ client, requests, answers }: ClientEvidence): readonly string[] {
  return answers.flatMap(({ from, until, kind, digest }) => {
    if (kind !== 'ready') return []
    const before = requests.findLast((request) => request.at <= from && isAccepted(request))?.digest
    const meanwhile = requests.filter(({ at }) => at > from && at <= until).map((request) => request.digest)
    if (digest === before || meanwhile.includes(digest)) return []
    return [`${client.clientId} at ${clockTime(from)}: answered ${digest}, was served ${before}`]
  })
}
