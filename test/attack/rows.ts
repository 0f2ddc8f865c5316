import { type FailureCode, parseClientIdUrl } from '@cimd/core'
import { classifyAddress } from '@cimd/egress'
import type { Outcome } from './arena.ts'
import type { AttackRow } from './attack-row.ts'
import { expectedOf } from './behaviour-codes.ts'
import { BEHAVIOURS, type BehaviourName, isBehaviour } from './behaviours.ts'
import { ATTACK_CASES, type AttackCase } from './cases.ts'
import { ACCEPTED_BY_US, CODES, ENDS_AS_WELL, NOT_RUN } from './codes.ts'
import { dnsRunner } from './dns-cases.ts'
import { RESOLVER_ROWS } from './resolver-rows.ts'
import { STORY_ROWS } from './story-rows.ts'

/** Everything that is tried with one fetch, in the order of the stages it attacks. */
export const ATTACK_ROWS: readonly AttackRow[] = [
  ...ATTACK_CASES.filter(({ id }) => NOT_RUN[id] === undefined).flatMap(rowOf),
  ...RESOLVER_ROWS,
  ...ownBehaviours().map(behaviourRow),
  ...STORY_ROWS,
]

function rowOf(given: AttackCase): readonly AttackRow[] {
  const { id, category } = given
  const run = runnerOf(given)
  return run === undefined ? [] : [{ id, family: category, expected: expectedCodes(given), run }]
}

function expectedCodes({ id, code }: AttackCase): readonly FailureCode[] {
  if (code === null || ACCEPTED_BY_US[id] !== undefined) return []
  const ours = CODES[code]
  if (ours === undefined) throw new Error(`${code} of ${id} has no code of ours`)
  return [...ours, ...(ENDS_AS_WELL[id] ?? [])]
}

/** How a case is run; the layers of process and network have tests of their own. */
function runnerOf(given: AttackCase): AttackRow['run'] | undefined {
  switch (given.layer) {
    case 'url':
      return async () => judged(() => parsedCodes(given.client_id_url))
    case 'ip':
      return async () => judged(() => (classifyAddress(given.ip).public ? [] : ['address_blocked']))
    case 'dns':
      return dnsRunner(given)
    case 'response': {
      const { server_behaviour: behaviour } = given
      if (!isBehaviour(behaviour)) throw new Error(`nothing behaves as ${behaviour}`)
      return (arena) => arena.fetchFrom(behaviour)
    }
    default:
      return undefined
  }
}

function judged(judge: () => readonly string[]): Outcome {
  const startedAt = performance.now()
  const codes = judge()
  return { codes, elapsedMs: performance.now() - startedAt, dialled: [] }
}

function parsedCodes(raw: string): readonly string[] {
  const parsed = parseClientIdUrl(raw)
  return parsed.ok ? [] : parsed.violations.map(({ code }) => code)
}

function ownBehaviours(): readonly BehaviourName[] {
  const collected = new Set(
    ATTACK_CASES.flatMap((given) => (given.layer === 'response' ? [given.server_behaviour] : [])),
  )
  return (Object.keys(BEHAVIOURS) as BehaviourName[]).filter((name) => !collected.has(name))
}

function behaviourRow(behaviour: BehaviourName): AttackRow {
  const expected = expectedOf(behaviour)
  if (expected === undefined) throw new Error(`nobody said what must become of ${behaviour}`)
  return {
    id: behaviour,
    family: `server: ${BEHAVIOURS[behaviour].layer}`,
    expected,
    run: (arena) => arena.fetchFrom(behaviour),
  }
}
