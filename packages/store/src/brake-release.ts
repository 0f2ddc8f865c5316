import type { Brake } from '@cimd/core'
import { type RawBuilder, sql } from 'kysely'
import { doubtedSince, endsSince, readBrake } from './brake.ts'
import type { Db, Transaction } from './db.ts'
import { dropClientFindings, dropResourceFindings } from './dropped-findings.ts'
import { notify } from './notifications.ts'

const RELEASE_ROWS_MAX = 500

/** How long counting engages nothing once an operator has said that what is found is true. */
const DISARMED_SECONDS = 60 * 60

/** How often a release looks for what fetches under way have found meanwhile; they end within seconds. */
const RELEASE_ROUNDS_MAX = 5

/** Of how many clients, key sets and logos together, what was found was dropped. */
type Dropped = { readonly clients: number; readonly resources: number }

/** What became of a release as mended. `overtaken`: somebody else has released the brake, or engaged it anew, meanwhile. */
export type MendedRelease =
  | { readonly kind: 'not_engaged' }
  | ({ readonly kind: 'released' | 'overtaken' } & Dropped)

/**
 * Releases the brake because the fault was ours and is mended: what was found of every client, key set and logo since the
 * brake doubts findings is dropped, and each is fetched at once, the documents unconditionally. What a fetch under way
 * finds is dropped as well, if it is recorded before the last look; later it counts as found anew, with its 15 minutes.
 */
export async function releaseMended(db: Db): Promise<MendedRelease> {
  const { engaged } = await readBrake(db)
  if (engaged === undefined) return { kind: 'not_engaged' }
  // The brake holds until all are done, so that nobody's use ends in between.
  const { isOurs, ...dropped } = await dropFindings(db, engaged)
  const isReleased = isOurs && (await disengageMended(db, engaged))
  await notify(db, [{ channel: 'cimd_outbox', payload: '' }])
  return { kind: isReleased ? 'released' : 'overtaken', ...dropped }
}

/** Drops each finding once: what is found of the same client again is found after the mending, and counts. */
async function dropFindings(db: Db, brake: Brake): Promise<Dropped & { readonly isOurs: boolean }> {
  const seen = { clients: new Set<string>(), resources: new Set<string>() }
  const dropped = { clients: 0, resources: 0 }
  for (let round = 0; round < RELEASE_ROUNDS_MAX; round += 1) {
    const clients = takeUnseen(seen.clients, await listDoubtedClients(db, brake))
    const ofClients = await inBatches(db, brake, clients, dropClientFindings)
    dropped.clients += ofClients.dropped
    if (!ofClients.isOurs) return { ...dropped, isOurs: false }
    const resources = takeUnseen(seen.resources, await listDoubtedResources(db, brake))
    const ofResources = await inBatches(db, brake, resources, dropResourceFindings)
    dropped.resources += ofResources.dropped
    if (!ofResources.isOurs) return { ...dropped, isOurs: false }
    if (clients.length + resources.length === 0) break
  }
  return { ...dropped, isOurs: true }
}

function takeUnseen(seen: Set<string>, ids: readonly string[]): readonly string[] {
  const unseen = ids.filter((id) => !seen.has(id))
  for (const id of unseen) seen.add(id)
  return unseen
}

// A fault that is not mended after all engages it again at once, by what is found anew.
function disengageMended(db: Db, brake: Brake): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const isOurs = await lockBrake(trx, brake, sql`for update`)
    if (isOurs) await disengage(trx, undefined)
    return isOurs
  })
}

/**
 * Releases the brake because what was found is true: it takes effect at once, and counting engages nothing for an hour.
 * Each client it held, and key set and logo, is tried once more now, which announces what became of it. Returns how many;
 * undefined when the brake was not engaged.
 */
export async function releaseAccepting(db: Db): Promise<number | undefined> {
  return db.transaction().execute(async (trx) => {
    // Before all else, as a batch of the other release locks it.
    await sql`select from cimd.brake for update`.execute(trx)
    const { engaged } = await readBrake(trx)
    if (engaged === undefined) return undefined
    const clients = await hastenHeldClients(trx, engaged)
    await hastenHeldResources(trx, engaged)
    await disengage(trx, DISARMED_SECONDS)
    return clients
  })
}

async function hastenHeldClients(trx: Transaction, brake: Brake): Promise<number> {
  const { rows } = await sql<{ clients: number }>`
    with held as (
      select c.id from cimd.clients c where ${endsSince(since(brake))} and c.dormant_since is null
    ), due as (
      update cimd.schedule s set due_at = cimd.cimd_now()
      from held where s.client_ref = held.id and s.due_at > cimd.cimd_now()
    )
    select count(*) as clients from held`.execute(trx)
  return rows[0]?.clients ?? 0
}

// After the clients: whoever records one locks its schedule before its resources. One that is being recorded is left alone,
// because who records it may wait for what is locked here.
async function hastenHeldResources(trx: Transaction, brake: Brake): Promise<void> {
  await sql`
    update cimd.resources set due_at = cimd.cimd_now() where id in (
      select c.id from cimd.resources c where ${endsSince(since(brake))} and c.due_at > cimd.cimd_now()
      for no key update skip locked
    )`.execute(trx)
}

// What nobody uses is left as it is: whoever comes back to it has it fetched.
function listDoubtedClients(db: Db, brake: Brake): Promise<string[]> {
  return idsOf(
    db,
    sql<{ id: string }>`
      select c.id::text as id from cimd.clients c
      where ${doubtedSince(since(brake))} and c.dormant_since is null order by c.id`,
  )
}

// In the order in which a fetcher claims those of one client.
function listDoubtedResources(db: Db, brake: Brake): Promise<string[]> {
  return idsOf(
    db,
    sql<{ id: string }>`
      select c.id::text as id from cimd.resources c join cimd.clients owner on owner.id = c.client_ref
      where ${doubtedSince(since(brake))} and owner.dormant_since is null order by c.client_ref, c.kind`,
  )
}

function since({ heldFrom }: Brake): RawBuilder<Date> {
  return sql<Date>`${heldFrom}::timestamptz`
}

async function idsOf(db: Db, query: RawBuilder<{ id: string }>): Promise<string[]> {
  const { rows } = await query.execute(db)
  return rows.map(({ id }) => id)
}

/** Not `isOurs`: somebody else has released the brake meanwhile, and what was found may be true after all. */
async function inBatches(
  db: Db,
  brake: Brake,
  doubted: readonly string[],
  drop: (trx: Transaction, batch: readonly string[], brake: Brake) => Promise<number>,
): Promise<{ readonly isOurs: boolean; readonly dropped: number }> {
  let dropped = 0
  for (let first = 0; first < doubted.length; first += RELEASE_ROWS_MAX) {
    const batch = doubted.slice(first, first + RELEASE_ROWS_MAX)
    const done = await db.transaction().execute(async (trx) => {
      const isOurs = await lockBrake(trx, brake, sql`for share`)
      return isOurs ? drop(trx, batch, brake) : undefined
    })
    if (done === undefined) return { isOurs: false, dropped }
    dropped += done
  }
  return { isOurs: true, dropped }
}

/** Keeps others from releasing the brake for the transaction. False: it is engaged no more, or anew. */
async function lockBrake(trx: Transaction, { heldFrom }: Brake, lock: RawBuilder<unknown>): Promise<boolean> {
  const { rows } = await sql<{ held_from: Date | null }>`select held_from from cimd.brake ${lock}`.execute(
    trx,
  )
  return rows[0]?.held_from?.getTime() === heldFrom.getTime()
}

async function disengage(trx: Transaction, disarmedSeconds: number | undefined): Promise<void> {
  await sql`
    update cimd.brake set engaged_at = null, held_from = null, reason = null,
      disarmed_until = cimd.cimd_now() + make_interval(secs => ${disarmedSeconds ?? null})`.execute(trx)
}
