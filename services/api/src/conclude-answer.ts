import type { Logger } from '@cimd/runtime'
import type { Authenticated } from '@cimd/store'
import type { Answer, AnswerBasis } from './answer.ts'
import type { Asked } from './asked.ts'
import type { AuditAnswer } from './audit-answers.ts'
import { displayOf, isForConsent } from './display.ts'
import { noteGiven } from './given-document.ts'
import { isDecisionDue, noteJudgement } from './note-decision.ts'
import { noteOwner } from './owner.ts'
import { reportPolicy } from './report-policy.ts'
import { findReputation, type ReputationDeps } from './reputation.ts'
import type { ResolveDeps } from './resolve-client.ts'

type ConcludeDeps = ReputationDeps &
  Pick<ResolveDeps, 'policies'> & { readonly log: Logger; readonly auditAnswer: AuditAnswer }

type Ready = Extract<Answer, { readonly kind: 'ready' }>

/**
 * Does what belongs to an answer of any way to ask, once it stands: notes what was given and what the policy said, says what to
 * show, and puts what was decided into the audit. What cannot be put into the audit is not answered: this rejects.
 */
export async function concludeAnswer(
  deps: ConcludeDeps,
  caller: Authenticated,
  asked: Asked,
  answer: Answer,
): Promise<Answer> {
  await noteAnswer(deps, caller, answer)
  const told = answer.kind === 'ready' ? await withReputation(deps, asked, answer) : answer
  await deps.auditAnswer(caller, asked, told)
  return told
}

async function noteAnswer(deps: ConcludeDeps, caller: Authenticated, answer: Answer): Promise<void> {
  const basis = 'basis' in answer ? answer.basis : undefined
  if (basis === undefined) return
  if (answer.kind === 'ready') {
    await logging(deps, basis, () => noteGiven(deps.db, caller.tenantId, answer.body))
    await noteOwner(deps, caller, basis)
  }
  if (isDecisionDue(basis)) await logging(deps, basis, () => noteJudgement(deps.db, caller.tenantId, basis))
  if (caller.reportPolicyVersion !== undefined)
    await logging(deps, basis, () => reportPolicy(deps, caller, basis))
}

// A revocation is neither limited nor consented to.
async function withReputation(deps: ReputationDeps, asked: Asked, answer: Ready): Promise<Ready> {
  if (asked.purpose === 'revoke') return answer
  const { clientId, view } = answer.basis
  const { reputation } = await findReputation(deps, clientId, view)
  const display = isForConsent(asked) ? displayOf(answer, asked, reputation) : undefined
  return { ...answer, body: { ...answer.body, reputation, ...(display && { display }) } }
}

// A login does not fail because of it: until it is noted, with the next answer, a report of its digest is told that the version
// is unknown, and nothing is lost unseen.
async function logging(
  { log }: Pick<ConcludeDeps, 'log'>,
  { clientId: client_id, digest }: AnswerBasis,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error({ event: 'given.unnoted', client_id, digest, err: error }, 'an answer could not be noted')
  }
}
