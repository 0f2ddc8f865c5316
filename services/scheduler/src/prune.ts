import {
  type Db,
  deleteCutAudit,
  deleteEndedBudgets,
  deleteEndedPaces,
  deleteEndedQuotaWindows,
  deleteExpiredTickets,
  deleteGoneFetchers,
  deleteOldAttempts,
  deleteOldDeliveries,
  deleteOldInterest,
  deleteOldVersions,
  deleteOrphanedAudit,
  deleteUnusedLogos,
  eraseUnusedSubjects,
  forgetClients,
  forgetDomains,
  noteOldAuditCuts,
  type Retention,
  retireUnscheduled,
  type WalkedBatch,
} from '@cimd/store'

/** Deletes some of one kind of what may go; `more`: there may be more of it. */
export type PruneTask = () => Promise<{ readonly deleted: number; readonly more: boolean }>

export type PruneOptions = {
  /** One task that fails does not hold up the others. */
  readonly onError: (task: string, error: unknown) => void
  readonly isStopping: () => boolean
}

/** Batches of one task in one run; the rest is for the next, so that no task keeps the others waiting. */
const BATCHES_MAX = 100

const ROWS_PER_BATCH = 1000
/** Each with all that hangs on it. */
const CLIENTS_PER_BATCH = 50
/** Longer than any page that shows a logo is kept. */
const LOGO_KEPT_DAYS = 30

/** Runs every task batch by batch. Returns how many rows went, by task, of those that deleted any. */
export async function prune(
  tasks: Readonly<Record<string, PruneTask>>,
  options: PruneOptions,
): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {}
  for (const [name, task] of Object.entries(tasks)) {
    try {
      const rows = await runBatches(task, options.isStopping)
      if (rows > 0) deleted[name] = rows
    } catch (error) {
      options.onError(name, error)
    }
  }
  return deleted
}

async function runBatches(task: PruneTask, isStopping: () => boolean): Promise<number> {
  let rows = 0
  for (let batches = 0; batches < BATCHES_MAX && !isStopping(); batches += 1) {
    const { deleted, more } = await task()
    rows += deleted
    if (!more) break
  }
  return rows
}

/** What goes from the store (CAC-19), in the order in which one thing releases the next. Without days the audit is kept. */
export function pruneTasks(
  db: Db,
  retention: Retention,
  auditRetentionDays?: number,
): Readonly<Record<string, PruneTask>> {
  return {
    audit_cuts: () => cutAudit(db, auditRetentionDays),
    audit: untilEmpty((limit) => deleteCutAudit(db, limit)),
    orphaned_audit: untilEmpty((limit) => deleteOrphanedAudit(db, limit)),
    tickets: whole(() => deleteExpiredTickets(db)),
    budgets: whole(() => deleteEndedBudgets(db)),
    quota_windows: whole(() => deleteEndedQuotaWindows(db)),
    fetchers: whole(() => deleteGoneFetchers(db)),
    paces: untilNone(ROWS_PER_BATCH, (limit) => deleteEndedPaces(db, limit)),
    attempts: walk((after: string | undefined) =>
      deleteOldAttempts(db, retention, { after, limit: ROWS_PER_BATCH }),
    ),
    deliveries: untilNone(ROWS_PER_BATCH, (limit) => deleteOldDeliveries(db, limit)),
    versions: walk((after: string | undefined) =>
      deleteOldVersions(db, retention, { after, limit: ROWS_PER_BATCH }),
    ),
    interest: walk((after: Parameters<typeof deleteOldInterest>[1]['after']) =>
      deleteOldInterest(db, { after, limit: ROWS_PER_BATCH }),
    ),
    unscheduled: walk((after: string | undefined) => retireUnscheduled(db, { after, limit: ROWS_PER_BATCH })),
    clients: untilNone(CLIENTS_PER_BATCH, (limit) => forgetClients(db, limit)),
    domains: untilNone(ROWS_PER_BATCH, (limit) => forgetDomains(db, limit)),
    subjects: untilNone(ROWS_PER_BATCH, (limit) => eraseUnusedSubjects(db, limit)),
    logos: walk((after: string | undefined) =>
      deleteUnusedLogos(db, LOGO_KEPT_DAYS, { after, limit: ROWS_PER_BATCH }),
    ),
  }
}

// A cut is noted first, and what it covers goes once it is in the chain: in this run, or the next.
async function cutAudit(db: Db, days: number | undefined): ReturnType<PruneTask> {
  if (days !== undefined) await noteOldAuditCuts(db, days)
  return { deleted: 0, more: false }
}

// Where a batch may be less than what it was allowed, with more to come.
function untilEmpty(deleteSome: (limit: number) => Promise<number>): PruneTask {
  return async () => {
    const deleted = await deleteSome(ROWS_PER_BATCH)
    return { deleted, more: deleted > 0 }
  }
}

function whole(deleteAll: () => Promise<number>): PruneTask {
  return async () => ({ deleted: await deleteAll(), more: false })
}

function untilNone(limit: number, deleteSome: (limit: number) => Promise<number>): PruneTask {
  return async () => {
    const deleted = await deleteSome(limit)
    return { deleted, more: deleted === limit }
  }
}

/** Goes on where it came to, in the next run too, and begins again at the end. */
function walk<Place>(step: (after: Place | undefined) => Promise<WalkedBatch<Place>>): PruneTask {
  let after: Place | undefined
  return async () => {
    const { deleted, next } = await step(after)
    after = next
    return { deleted, more: next !== undefined }
  }
}
