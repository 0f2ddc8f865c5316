import type { ClientRow, OutboxRow, VersionRow } from '../evidence.ts'
import { finding, type Invariant, type Violation } from './invariant.ts'

const DISCOVERED = 'client.discovered'
const CHANGED = 'client.metadata_changed'

/**
 * Every version that means something else than the one before it is announced exactly once, the first one as a discovery,
 * and the version announced last means what the current one means.
 */
export const everyChangeIsAnnouncedOnce: Invariant = ({ records }) => {
  const versions = Map.groupBy(records.versions, ({ clientId }) => clientId)
  const events = Map.groupBy(records.outbox, ({ clientId }) => clientId)
  const checked = { versions: records.versions.length, changes: 0 }
  const beside = { 'cosmetic changes': 0 }
  const violations: Violation[] = []
  for (const client of records.clients) {
    const rows = versions.get(client.clientId) ?? []
    const told = (events.get(client.clientId) ?? []).filter(
      ({ type }) => type === DISCOVERED || type === CHANGED,
    )
    const expected = expectedOf(rows)
    checked.changes += expected.length
    beside['cosmetic changes'] += Math.max(0, rows.length - expected.length)
    violations.push(...compare(client.clientId, expected, told.map(nameOf)))
    violations.push(...judgeCurrent(client, rows, told))
  }
  return finding('every change is announced once', checked, violations, beside)
}

/** What has to be announced of these versions, in this order. */
function expectedOf(rows: readonly VersionRow[]): readonly string[] {
  return rows.flatMap((row, index) => {
    const before = rows[index - 1]
    if (before === undefined) return [`discovered ${row.digest}`]
    return meaningOf(before) === meaningOf(row) ? [] : [`${before.digest} to ${row.digest}`]
  })
}

function nameOf({ type, data }: OutboxRow): string {
  return type === DISCOVERED
    ? `discovered ${data['digest']}`
    : `${data['from_digest']} to ${data['to_digest']}`
}

function compare(
  clientId: string,
  expected: readonly string[],
  told: readonly string[],
): readonly Violation[] {
  const violation = (wrong: Violation['wrong'], what: string): Violation => ({
    wrong,
    what: `${clientId}: ${what}`,
  })
  const missing = expected.filter((change) => !told.includes(change))
  const extra = told.filter((change, index) => !expected.includes(change) || told.indexOf(change) !== index)
  if (missing.length === 0 && extra.length === 0) {
    return expected.join() === told.join()
      ? []
      : [violation('out of order', `announced in the order ${told}`)]
  }
  return [
    ...missing.map((change) => violation('lost', `never announced: ${change}`)),
    ...extra.map((change) =>
      violation('duplicated', `announced, and no change or not the first time: ${change}`),
    ),
  ]
}

function judgeCurrent(
  { clientId, digest }: ClientRow,
  rows: readonly VersionRow[],
  told: readonly OutboxRow[],
): readonly Violation[] {
  if (digest === null) return []
  const last = told.at(-1)?.data
  const announced = rows.find((row) => row.digest === (last?.['to_digest'] ?? last?.['digest']))
  const isCurrent =
    announced !== undefined && meaningOf(announced) === meaningOf(rows.find((row) => row.digest === digest))
  return isCurrent
    ? []
    : [{ wrong: 'lost', what: `${clientId}: announced last is ${announced?.digest}, current is ${digest}` }]
}

/** White space is all that the publishers change without meaning. */
function meaningOf(row: VersionRow | undefined): string | undefined {
  return row && JSON.stringify(JSON.parse(row.body))
}
