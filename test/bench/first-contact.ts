import type { ClientIdUrl } from '@cimd/core'
import type { Db } from '@cimd/store'
import { sql } from 'kysely'
import type { Bed } from './bed.ts'
import { pairwise, type Summary, summarize } from './statistics.ts'
import { timed } from './stopwatch.ts'

/** First contacts through the system beside the bare guarded GET of the same documents. */
export type FirstContact = {
  readonly bare: Summary
  readonly contact: Summary
  /** Of each pair, what the system adds. */
  readonly added: Summary
  /** What the records of these attempts tell: where the time of one contact goes. */
  readonly spans: Readonly<Record<Span, Summary>>
}

/** Stretches of one contact between two instants that are on record anyway. */
export type Span = (typeof SPANS)[number]
const SPANS = ['untilDemand', 'untilClaim', 'untilFetched', 'fetch', 'untilAnswered'] as const

type Contact = { readonly clientId: ClientIdUrl; readonly sentAt: number; readonly answeredAt: number }
type Marks = { demandedAt: number; claimedAt: number; fetchedAt: number; fetchMs: number }

/** Measures them one by one, alternating, so that both meet the same machine. */
export async function measureFirstContact(bed: Bed, rounds: number): Promise<FirstContact> {
  const bare: number[] = []
  const contacts: Contact[] = []
  for (const [round, clientId] of bed.take(rounds).entries()) {
    const getBare = async () => bare.push((await timed(() => bed.get(clientId))).ms)
    // Neither always comes first: the second finds the publisher's memory warm.
    if (round % 2 === 0) await getBare()
    contacts.push(await makeContact(bed, clientId))
    if (round % 2 === 1) await getBare()
  }
  const contactMs = contacts.map(({ sentAt, answeredAt }) => answeredAt - sentAt)
  return {
    bare: summarize(bare),
    contact: summarize(contactMs),
    added: summarize(pairwise(contactMs, bare, (a, b) => a - b)),
    spans: await findSpans(bed.pipeline.db, contacts),
  }
}

async function makeContact(bed: Bed, clientId: ClientIdUrl): Promise<Contact> {
  const sentAt = performance.now()
  await bed.resolve(clientId)
  return { clientId, sentAt, answeredAt: performance.now() }
}

async function findSpans(db: Db, contacts: readonly Contact[]): Promise<FirstContact['spans']> {
  const marks = await findMarks(db)
  const spans = contacts.map(({ clientId, sentAt, answeredAt }) => {
    const found = marks.get(clientId)
    if (found === undefined) throw new Error(`no attempt on ${clientId} is on record`)
    const { demandedAt, claimedAt, fetchedAt, fetchMs } = found
    return {
      untilDemand: demandedAt - (performance.timeOrigin + sentAt),
      untilClaim: claimedAt - demandedAt,
      untilFetched: fetchedAt - claimedAt,
      fetch: fetchMs,
      untilAnswered: performance.timeOrigin + answeredAt - fetchedAt,
    }
  })
  const summaries = SPANS.map((span) => [span, summarize(spans.map((found) => found[span]))] as const)
  // One entry per span by construction.
  return Object.fromEntries(summaries) as FirstContact['spans']
}

// A client is created by the first transaction of its first resolve, at the start of that transaction; an attempt
// starts with its claim. Everything runs on this machine, so the clocks are one.
async function findMarks(db: Db): Promise<Map<string, Marks>> {
  const { rows } = await sql<Marks & { clientId: string }>`
    select c.client_id as "clientId",
      extract(epoch from c.created_at)::float8 * 1000 as "demandedAt",
      extract(epoch from a.started_at)::float8 * 1000 as "claimedAt",
      extract(epoch from a.finished_at)::float8 * 1000 as "fetchedAt",
      (a.evidence #>> '{times,totalMs}')::float8 as "fetchMs"
    from cimd.clients c join cimd.attempts a on a.client_ref = c.id`.execute(db)
  return new Map(rows.map((row) => [row.clientId, row]))
}
