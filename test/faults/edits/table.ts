/** A change of one source file: `find` stands in it exactly once. */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string }

export type EditsName = keyof typeof EDITS

/** In a document: an edited process ends by it. */
export const CRASH_MARKER = 'cimd-faults-crash'

const ATTEMPTS = 'packages/store/src/attempts.ts'
const RECORD =
  'export async function recordAttempt(db: Db, record: AttemptRecord): Promise<RecordedAttempt> {'
/** Long enough for a kill to fall into it. */
const PAUSE = 'await new Promise((resolve) => setTimeout(resolve, 500))'

/** What is recorded, with something done apart from it, before or after. */
function recordedWith(body: string): readonly Edit[] {
  const replace = `${RECORD}\n${body}\n}\n
async function recordWhole(db: Db, record: AttemptRecord): Promise<RecordedAttempt> {`
  return [{ file: ATTEMPTS, find: RECORD, replace }]
}

const insertEvents = (where: string): string => `
  await sql\`
    with numbered as (
      update cimd.clients set event_seq = event_seq + \${record.events.length}
      where id = \${record.claim.client} ${where} returning id, event_seq
    )
    insert into cimd.outbox (client_ref, client_seq, type, data, occurred_at)
    select n.id, n.event_seq - \${record.events.length} + e.ordinality, e.event ->> 'type', e.event -> 'data',
      \${record.finishedAt}
    from numbered n, jsonb_array_elements(\${JSON.stringify(record.events)}::jsonb) with ordinality as e (event)
  \`.execute(db)`

/** What may be changed of the sources as a process loads them: other releases, and broken ones. */
export const EDITS = {
  /** A newer release: its jobs are of another version, and it understands the older ones. */
  'release-2': [
    {
      file: 'packages/queue/src/jobs.ts',
      find: 'export const JOB_VERSION = 1\n',
      replace: 'export const JOB_VERSION = 2\n',
    },
    {
      file: 'packages/queue/src/jobs.ts',
      find: 'v: z.literal(JOB_VERSION) })',
      replace: 'v: z.union([z.literal(1), z.literal(2)]) })',
    },
  ],
  /** Judging a document that carries the marker ends the process, as a fault of the parser would. */
  'crash-on-marker': [
    {
      file: 'services/fetcher/src/evaluate-fetch.ts',
      find: '  const digest = sha256Hex(body)\n',
      replace: `  if (Buffer.from(body).includes('${CRASH_MARKER}')) process.kill(process.pid, 'SIGKILL')
  const digest = sha256Hex(body)\n`,
    },
  ],
  /** A demand counts as done before what answers it is recorded. */
  'acknowledge-before-record': recordedWith(`
  const { client, token } = record.claim
  await sql\`update cimd.clients set done = claimed where id = \${client} and claim_token = \${token}\`.execute(db)
  ${PAUSE}
  return recordWhole(db, record)`),
  /** Events are visible before what they tell of. */
  'publish-before-commit': recordedWith(`
  if (record.events.length === 0) return recordWhole(db, record)
  ${insertEvents(`and claim_token = \${record.claim.token}`)}
  ${PAUSE}
  return recordWhole(db, { ...record, events: [], claim: { ...record.claim, linked: undefined } })`),
  /** Events are written in a transaction of their own, after what they tell of. */
  'publish-after-commit': recordedWith(`
  const recorded = await recordWhole(db, { ...record, events: [] })
  if (!recorded.applied || record.events.length === 0) return recorded
  ${PAUSE}
  ${insertEvents('')}
  return recorded`),
  /** An event counts as delivered before it is sent. */
  'delivered-before-sent': [
    {
      file: 'services/notifier/src/deliver-lane.ts',
      find: '  const result = await postOrHandBack(deps, claim, { id: told.event.id, body }, signal)\n',
      replace: `  const early = await deps.settle(claim, { outcome: { kind: 'answered', status: 204 }, answer: undefined, random: 0 })
  ${PAUSE}
  await postOrHandBack(deps, claim, { id: told.event.id, body }, signal)
  if (early) return early.kind === 'settled' ? early.next : undefined
  const result = await postOrHandBack(deps, claim, { id: told.event.id, body }, signal)\n`,
    },
  ],
  /** What the queue has lost is not looked for. */
  'trust-the-queue': [
    {
      file: 'packages/core/src/life/due-work.ts',
      find: '  const isUrgent = facts.urgent > facts.done\n',
      replace: `  if (facts.wanted > facts.done) return { kind: 'wait', lookAgainAt: later(now, 86_400) }
  const isUrgent = facts.urgent > facts.done\n`,
    },
  ],
} as const satisfies Record<string, readonly Edit[]>
