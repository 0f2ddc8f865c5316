import { auditedDocument, auditedRules, chainableText, decisionName, type NewAuditEntry } from '@cimd/core'
import type { Answer, AnswerBasis } from './answer.ts'
import type { Asked } from './asked.ts'
import type { Problem } from './problem.ts'

/** What the audit says of an answer. */
export type AuditedDecision = Extract<NewAuditEntry, { kind: 'resolve.decided' }>['data']

/**
 * What an answer decided about a client, for the audit; undefined where it decided nothing: the request was not fit to be judged,
 * or nothing was looked at for want of room or budget.
 */
export function auditedDecision(
  { purpose, redirectUri }: Pick<Asked, 'purpose' | 'redirectUri'>,
  answer: Answer,
): AuditedDecision | undefined {
  const asked = { purpose, ...(redirectUri !== undefined && { redirect_uri: chainableText(redirectUri) }) }
  if (answer.kind === 'ready') return { ...asked, ...readyFacts(answer) }
  if (answer.kind === 'pending') return { ...asked, answer: 'pending', cache: { status: 'unusable' } }
  const { problem, basis, refusedBy = basis } = answer
  if (!isDecision(problem)) return undefined
  const { code } = problem
  return {
    ...{ ...asked, answer: 'refused', code, cache: { status: 'unusable', why: code } },
    ...(basis && { digest: basis.view.version?.digest }),
    ...(refusedBy && policyFacts(refusedBy)),
  }
}

/** A refusal that names the client itself: by the tenant's policy, or because nothing of it may be used. */
export function isDecision({ status, code }: Problem): boolean {
  return [403, 422, 502].includes(status) && code !== 'subject_required'
}

/** What makes an answer another decision than the one before: not how fresh the record is. */
export function decisionKey({
  answer,
  code,
  digest,
  effective_digest,
  policy,
  verdict,
}: AuditedDecision): string {
  return JSON.stringify([answer, code, digest, effective_digest, policy?.version, verdict?.decision])
}

function readyFacts({
  body,
  basis,
}: Extract<Answer, { readonly kind: 'ready' }>): Omit<AuditedDecision, 'purpose'> {
  const { view, metadata, answeredBy } = basis
  const { freshness, redirect_match: match, logo } = body
  const current = view.version?.digest
  const isEffective = body.effective !== undefined && body.digest !== current
  return {
    answer: 'ready',
    digest: current,
    ...(isEffective && { effective_digest: body.digest }),
    cache: {
      status: answeredBy ?? freshness.state,
      fresh_until: view.standing.freshUntil?.toISOString(),
      ...(freshness.state === 'stale' && { usable_until: freshness.until }),
      ...(freshness.why !== undefined && { why: freshness.why }),
    },
    ...policyFacts(basis),
    ...(body.reputation && { tier: body.reputation.tier }),
    ...(body.display && { warnings: body.display.warnings.map(({ code }) => code) }),
    ...(match && { redirect_match: match.matched ? match.rule : match.reason }),
    ...auditedDocument(metadata, logo?.status === 'ready' ? logo.digest : undefined),
  }
}

function policyFacts({
  policy: { version, digest },
  verdict: { decision, reasons },
}: Pick<AnswerBasis, 'policy' | 'verdict'>): Pick<AuditedDecision, 'policy' | 'verdict'> {
  const verdict = { decision: decisionName(decision), rules: auditedRules(reasons) }
  return { policy: { version, digest }, verdict }
}
