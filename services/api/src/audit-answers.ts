import { type Authenticated, type Db, noteAudit, type TenantAuditEntry, withTenant } from '@cimd/store'
import type { Answer } from './answer.ts'
import type { Asked } from './asked.ts'
import { auditedDecision, decisionKey, isDecision } from './audited-answer.ts'
import { writeTogether } from './write-together.ts'

/** Puts what an answer decided into the tenant's audit, if it belongs there; resolves once that is committed. */
export type AuditAnswer = (caller: Authenticated, asked: Asked, answer: Answer) => Promise<void>

const ENTRIES_MAX = 200
/** Clients whose last decision is remembered here: without it one is noted once more. */
const REMEMBERED_MAX = 10_000

/**
 * Notes decisions: of `authorize` and `par` every one that stands on a subject's demand, of any purpose every refusal by
 * policy, and of `token` and `revoke` only what differs from the last decision about the client that was noted here.
 */
export function createAuditAnswer(db: Db): AuditAnswer {
  const last = new Map<string, string>()
  const write = writeTogether<TenantAuditEntry>(
    (tenantId, entries) => withTenant(db, tenantId, (trx) => noteAudit(trx, ...entries)),
    ENTRIES_MAX,
  )
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
