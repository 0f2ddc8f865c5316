import { afterRulesChange, parseClientMetadata, type Refusal, RULES_VERSION } from '@cimd/core'
import type { ClientSlice, OutdatedClient, OutdatedSlice, Revalidated, RulesStatus } from '@cimd/store'

/** What judging stored documents by new rules needs from the world. */
export type RevalidateDeps = {
  readonly readStatus: () => Promise<RulesStatus>
  /** Clients whose current version was judged by older rules than these. */
  readonly find: (rulesVersion: number, slice: ClientSlice) => Promise<OutdatedSlice>
  /** Locks the clients that still are so, and writes down what is decided of them. */
  readonly withLocked: (
    rulesVersion: number,
    clients: readonly string[],
    decide: (clients: readonly OutdatedClient[]) => Revalidated,
  ) => Promise<void>
  /** Tells an operator that the rules of this release wait for approval, once. */
  readonly tellPending: (approved: number | undefined) => void
  /** Tells how a walk through all clients has ended. */
  readonly tellWalked: (counts: RevalidationCounts) => void
  readonly monotonicMs: () => number
}

/** What a walk through all clients came to. `left`: were being fetched, which settles them unless the fetch fails. */
export type RevalidationCounts = { readonly valid: number; readonly refused: number; readonly left: number }

const NONE: RevalidationCounts = { valid: 0, refused: 0, left: 0 }

/** A fetch under way is over by then. */
const LEFT_PAUSE_MS = 30_000
/** Documents of older rules come back with clients nobody used, and from fetchers that are not updated yet. */
export const WALK_PAUSE_MS = 60 * 60 * 1000

/**
 * Judges stored documents by the rules of this release, up to `limit` each time it is called, once an operator has approved
 * them (CAC-12). What they allow is of these rules from then on. What they refuse ends like a rejected client, so that the
 * brake guards against a bad rule; while that is engaged nothing is judged. It goes on where it came to, begins again at
 * the end, and several schedulers may do it at once.
 */
export function createRevalidation(deps: RevalidateDeps, limit: number): () => Promise<void> {
  let after: string | undefined
  let counts = NONE
  let pausedUntilMs = Number.NEGATIVE_INFINITY
  let toldPending = false
  return async () => {
    if (deps.monotonicMs() < pausedUntilMs) return
    const { approved, braked } = await deps.readStatus()
    if (approved === undefined || approved < RULES_VERSION) {
      if (!toldPending) deps.tellPending(approved)
      toldPending = true
      return
    }
    if (braked) return
    const { clients, next } = await deps.find(RULES_VERSION, { after, limit })
    if (clients.length > 0) counts = sum(counts, await revalidate(deps, clients))
    after = next
    if (next !== undefined) return
    deps.tellWalked(counts)
    pausedUntilMs = deps.monotonicMs() + (counts.left > 0 ? LEFT_PAUSE_MS : WALK_PAUSE_MS)
    counts = NONE
  }
}

async function revalidate(deps: RevalidateDeps, clients: readonly string[]): Promise<RevalidationCounts> {
  let counts = NONE
  await deps.withLocked(RULES_VERSION, clients, (locked) => {
    const { left, ...revalidated } = judgeOutdated(locked)
    counts = { valid: revalidated.valid.length, refused: revalidated.refused.length, left }
    return revalidated
  })
  return counts
}

/** Judges documents of older rules by the present ones. Pure. */
export function judgeOutdated(
  clients: readonly OutdatedClient[],
): Revalidated & Pick<RevalidationCounts, 'left'> {
  const judged = clients.map((client) => ({ client, refusal: refusalOf(client) }))
  const refused = judged.flatMap(({ client: { client, isClaimed, standing, now }, refusal }) => {
    const ending = refusal && !isClaimed ? afterRulesChange(standing, refusal.code, now) : undefined
    return ending ? [{ client, at: now, standing: ending }] : []
  })
  const valid = judged.filter(({ refusal }) => refusal === undefined).map(({ client }) => client.version)
  const left = judged.filter(({ client, refusal }) => refusal !== undefined && client.isClaimed).length
  return { valid, refused, left }
}

function refusalOf({ body, clientId }: OutdatedClient): Refusal | undefined {
  const judged = parseClientMetadata(body, clientId)
  return judged.ok ? undefined : judged
}

function sum(a: RevalidationCounts, b: RevalidationCounts): RevalidationCounts {
  return { valid: a.valid + b.valid, refused: a.refused + b.refused, left: a.left + b.left }
}
