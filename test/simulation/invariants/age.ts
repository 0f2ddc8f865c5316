import type { ClientEvidence, RecordedState, ResolveAnswer } from '../evidence.ts'
import { DAY, MINUTE } from '../kinds.ts'
import type { Client } from '../population.ts'
import { isAccepted } from '../spells.ts'
import { clockTime, finding, type Invariant } from './invariant.ts'

/** After its lifetime a version may be answered so long while its refresh runs. */
const REVALIDATE_SECONDS = 10 * MINUTE
/** What a step of the simulation and the turns at a busy host may add. */
const STEPS_SECONDS = 3 * MINUTE
const TURNS_SECONDS = 15 * MINUTE

/** No client in use is older than its bound without a recorded reason. */
export const ageIsBounded: Invariant = ({ clients }) => {
  const violations: string[] = []
  const checked = { 'rows in use': 0, 'rows with a reason': 0, 'fresh answers': 0, 'stale answers': 0 }
  for (const evidence of clients) {
    for (const state of evidence.states) {
      if (!state.inUse || state.digest === undefined) continue
      checked['rows in use'] += 1
      if (state.reason !== undefined) checked['rows with a reason'] += 1
      violations.push(...judgeRow(evidence.client, state))
    }
    for (const answer of evidence.answers) {
      if (answer.kind !== 'ready') continue
      checked[answer.freshness === 'fresh' ? 'fresh answers' : 'stale answers'] += 1
      violations.push(...judgeAnswer(evidence, answer))
    }
  }
  return finding('no client in use is older than its bound without a reason', checked, violations)
}

function judgeRow(client: Client, state: RecordedState): readonly string[] {
  const { at, validatedAt = 0, attemptedAt = 0, lastResolvedAt = 0, reason } = state
  if (reason !== undefined) return []
  const hot = lastResolvedAt > attemptedAt
  const boundSeconds = hot ? lifetimeMax(client) + REVALIDATE_SECONDS + STEPS_SECONDS : DAY + TURNS_SECONDS
  const age = at - validatedAt
  return age <= boundSeconds ? [] : [`${client.clientId} is ${Math.round(age)} s old at ${clockTime(at)}`]
}

function judgeAnswer({ client, requests }: ClientEvidence, answer: ResolveAnswer): readonly string[] {
  const before = requests.filter(({ at }) => at <= answer.until)
  const confirmed = before.findLast(isAccepted)?.at
  const told = `${client.clientId} at ${clockTime(answer.from)}: ${answer.freshness}`
  if (confirmed === undefined) return [`${told}, though no document was ever had`]
  const last = before.at(-1)
  const age = answer.from - confirmed
  if (answer.freshness === 'stale' && answer.why !== 'expired') {
    return last !== undefined && isAccepted(last)
      ? [`${told} for ${answer.why}, though its origin is well`]
      : []
  }
  const grace = answer.freshness === 'stale' ? REVALIDATE_SECONDS : 0
  const boundSeconds = lifetimeMax(client) + grace + 1
  return age <= boundSeconds ? [] : [`${told}, though it was confirmed ${Math.round(age)} s before`]
}

function lifetimeMax({ kind }: Client): number {
  return kind.lifetimeSeconds + (kind.ageSeconds ?? 0) / 2
}
