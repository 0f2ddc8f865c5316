import type { Logger } from '@cimd/runtime'
import {
  type Authenticated,
  type Db,
  noteAudit,
  notify,
  type TenantAuditEntry,
  withTenant,
} from '@cimd/store'
import type { Answer } from './answer.ts'
import type { Asked } from './asked.ts'
import { auditedDecision, decisionKey, isDecision } from './audited-answer.ts'
import { writeTogether } from './write-together.ts'

/** Puts what an answer decided into the tenant's audit, if it belongs there; resolves once that is committed. */
export type AuditAnswer = (caller: Authenticated, asked: Asked, answer: Answer) => Promise<void>

const ENTRIES_MAX = 200
/** Clients whose last decision is remembered here: without it one is noted once more. */
const REMEMBERED_MAX = 10_000
/** How often the chainer is woken at most; it looks by itself too. */
const WAKE_INTERVAL_MS = 250

/**
 * Notes decisions: of `authorize` and `par` every one that stands on a subject's demand, of any purpose every refusal by
 * policy, and of `token` and `revoke` only what differs from the last decision about the client that was noted here.
 */
export function createAuditAnswer(
  { db, log }: { readonly db: Db; readonly log: Logger },
  monotonicMs: () => number,
): AuditAnswer {
  const last = new Map<string, string>()
  const wake = createWake(db, log, monotonicMs)
  const write = writeTogether<TenantAuditEntry>(async (tenantId, entries) => {
    await withTenant(db, tenantId, (trx) => noteAudit(trx, ...entries))
    wake()
  }, ENTRIES_MAX)
  return async ({ tenantId, keyPrefix }, asked, answer) => {
    const data = auditedDecision(asked, answer)
    if (data === undefined) return
    const { clientId } = asked
    const place = `${tenantId} ${clientId}`
    const decision = decisionKey(data)
    const isNoted = asked.decides || isPolicyRefusal(answer) || isChanged(asked, last.get(place), decision)
    if (!isNoted) return
    const actor = { kind: 'key', id: keyPrefix } as const
    await write(tenantId, { tenantId, kind: 'resolve.decided', clientId, actor, data })
    remember(last, place, decision)
  }
}

function isPolicyRefusal(answer: Answer): boolean {
  return answer.kind === 'problem' && answer.problem.status === 403 && isDecision(answer.problem)
}

function isChanged(
  { purpose }: Pick<Asked, 'purpose'>,
  before: string | undefined,
  decision: string,
): boolean {
  return (purpose === 'token' || purpose === 'revoke') && before !== decision
}

// The oldest goes first; what is used comes back to the end.
function remember(last: Map<string, string>, place: string, decision: string): void {
  last.delete(place)
  last.set(place, decision)
  const [oldest] = last.keys()
  if (last.size > REMEMBERED_MAX && oldest !== undefined) last.delete(oldest)
}

function createWake(db: Db, log: Logger, monotonicMs: () => number): () => void {
  let wokenAtMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = monotonicMs()
    if (nowMs - wokenAtMs < WAKE_INTERVAL_MS) return
    wokenAtMs = nowMs
    // Lost, it costs time alone.
    notify(db, [{ channel: 'cimd_audit', payload: '' }]).catch((error) =>
      log.warn({ event: 'audit.unwoken', err: error }, 'the chainer could not be woken'),
    )
  }
}
