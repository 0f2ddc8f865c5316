import type { Evidence, FeedRow, OutboxRow, Reception } from '../evidence.ts'
import { finding, type Invariant, type Violation } from './invariant.ts'

/**
 * Each tenant's feed has every event of every client since its own first use of it exactly once, at positions without gaps
 * and in the order of the client, and all of it was received, the same however often.
 */
export const feedsAreWholeAndInOrder: Invariant = (evidence) => {
  const { feed, outbox } = evidence.records
  const feeds = Map.groupBy(feed, ({ tenant }) => tenant)
  const violations: Violation[] = []
  const checked = { tenants: evidence.received.size, 'events received': 0 }
  const beside = { 'events received again': 0 }
  for (const [tenant, received] of evidence.received) {
    const rows = feeds.get(tenant) ?? []
    const firsts = firstReceptions(received)
    checked['events received'] += firsts.size
    beside['events received again'] += received.length - firsts.size
    violations.push(...judgePositions(tenant, rows), ...judgeReceptions(tenant, received, rows))
    violations.push(...judgeSequences(tenant, [...firsts.values()]), ...judgeShare(evidence, tenant, rows))
  }
  violations.push(...judgeOutbox(outbox))
  return finding('feeds are whole and in order', checked, violations, beside)
}

function judgePositions(tenant: string, rows: readonly FeedRow[]): readonly Violation[] {
  const gaps = rows.filter(({ position }, index) => position !== index + 1)
  const [gap] = gaps
  const seen = new Set<string>()
  const twice = rows.filter(({ id }) => seen.size === seen.add(id).size)
  return [
    ...(gap === undefined
      ? []
      : [{ wrong: 'out of order', what: `${tenant}: position ${gap.position} follows a gap` } as const]),
    ...twice.map(({ id, position }): Violation => {
      return { wrong: 'duplicated', what: `${tenant}: event ${id} is at position ${position} as well` }
    }),
  ]
}

/** The first reception of each cursor, in the order of the cursors. */
function firstReceptions(received: readonly Reception[]): ReadonlyMap<number, Reception> {
  const firsts = new Map<number, Reception>()
  for (const reception of received) if (!firsts.has(reception.cursor)) firsts.set(reception.cursor, reception)
  return new Map([...firsts].sort(([a], [b]) => a - b))
}

function judgeReceptions(
  tenant: string,
  received: readonly Reception[],
  rows: readonly FeedRow[],
): readonly Violation[] {
  const idAt = new Map(rows.map(({ position, id }) => [position, id]))
  const seen = new Set(received.map(({ cursor }) => cursor))
  const lost = rows.filter(({ position }) => !seen.has(position))
  const strange = received.filter(({ cursor, id }) => idAt.get(cursor) !== id)
  return [
    ...lost.map(({ position, id }): Violation => {
      return { wrong: 'lost', what: `${tenant}: event ${id} at ${position} was never received` }
    }),
    ...strange.map(({ cursor, id, at }): Violation => {
      return {
        wrong: 'unexplained',
        what: `${tenant}: ${id} was received at ${cursor}, where ${idAt.get(cursor)} is`,
        at,
      }
    }),
  ]
}

function judgeSequences(tenant: string, firsts: readonly Reception[]): readonly Violation[] {
  const next = new Map<string, number>()
  return firsts.flatMap(({ subject, clientseq, cursor, at }) => {
    if (subject === undefined) return []
    const expected = next.get(subject) ?? 1
    next.set(subject, (clientseq ?? expected) + 1)
    if (clientseq === expected) return []
    return [
      {
        wrong: 'out of order',
        what: `${tenant}: ${subject} at ${cursor} is ${clientseq}, not ${expected}`,
        at,
      },
    ]
  })
}

/** The events of a client from the tenant's first use on, no more and no fewer. */
function judgeShare({ records }: Evidence, tenant: string, rows: readonly FeedRow[]): readonly Violation[] {
  const held = new Set(rows.map(({ id }) => id))
  const since = new Map(
    records.interest
      .filter((row) => row.tenant === tenant)
      .map(({ clientId, sinceSeq }) => [clientId, sinceSeq]),
  )
  return records.outbox.flatMap(({ id, clientId, clientSeq, type }) => {
    const from = clientId === null ? 0 : since.get(clientId)
    const isDue = from !== undefined && (clientSeq ?? 1) > from
    if (isDue === held.has(id)) return []
    const what = `${tenant}: ${type} of ${clientId} (${clientSeq}) ${isDue ? 'is missing' : 'is not its business'}`
    return [{ wrong: isDue ? 'lost' : 'duplicated', what }]
  })
}

function judgeOutbox(outbox: readonly OutboxRow[]): readonly Violation[] {
  const byClient = Map.groupBy(outbox, ({ clientId }) => clientId)
  const violations: Violation[] = []
  for (const [clientId, rows] of byClient) {
    const waiting = rows.filter(({ relayed }) => !relayed).length
    if (waiting > 0)
      violations.push({ wrong: 'lost', what: `${clientId}: ${waiting} events were never relayed` })
    const numbers = rows.map(({ clientSeq }) => clientSeq ?? 0)
    if (clientId !== null && numbers.some((number, index) => number !== index + 1))
      violations.push({ wrong: 'out of order', what: `${clientId}: its events are numbered ${numbers}` })
  }
  return violations
}
