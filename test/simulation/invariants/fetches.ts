import type { Evidence } from '../evidence.ts'
import { type Fetches, fetchesOf } from '../expected.ts'
import { finding, type Invariant } from './invariant.ts'

/** The fetches of all clients of one class. */
export type FetchRow = Fetches & {
  readonly name: string
  readonly use: 'hot' | 'leased'
  readonly clients: number
  readonly events: number
}

/** How far fetches may be from the formula. */
const TOLERANCE = 0.1
/** A class of fewer expected fetches says nothing. */
const EXPECTED_MIN = 150

/** Fetches and the formula by kind of client and use. */
export function fetchRows(evidence: Evidence): readonly FetchRow[] {
  const classes = Map.groupBy(evidence.clients, ({ client: { kindName, hot, canary } }) =>
    JSON.stringify([canary ? 'canaries' : kindName, hot || canary ? 'hot' : 'leased']),
  )
  return [...classes].map(([key, members]) => {
    const [name, use] = JSON.parse(key) as [string, FetchRow['use']]
    const fetches = members.map((member) => fetchesOf(member, evidence))
    return {
      ...{ name, use, clients: members.length },
      made: fetches.reduce((sum, { made }) => sum + made, 0),
      expected: fetches.reduce((sum, { expected }) => sum + expected, 0),
      events: members.reduce((sum, { heard }) => sum + heard.reduce((all, feed) => all + feed.length, 0), 0),
    }
  })
}

/** Fetches per class of client are within 10 % of the formula. */
export const fetchesFollowTheFormula: Invariant = (evidence) => {
  const rows = fetchRows(evidence)
  const judged = rows.filter(({ expected }) => expected >= EXPECTED_MIN)
  const violations = judged
    .filter(({ made, expected }) => Math.abs(made / expected - 1) > TOLERANCE)
    .map((row) => `${row.name}, ${row.use}: ${row.made} fetches, ${Math.round(row.expected)} expected`)
  const fetches = judged.reduce((sum, { made }) => sum + made, 0)
  return finding('fetches are within 10 % of the formula', { classes: judged.length, fetches }, violations)
}
