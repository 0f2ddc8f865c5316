import { RULES_VERSION } from '@cimd/core'
import type { Logger } from '@cimd/runtime'
import type { RevalidationCounts } from './revalidate.ts'

/** Stored documents are still judged by the rules they were stored under. */
export function logRulesPending(log: Logger, approved: number | undefined): void {
  log.warn(
    { event: 'rules.pending', rules_version: RULES_VERSION, rules_approved: approved ?? null },
    'this release has new rules for documents: look with `cimd revalidate --dry-run`, then approve them',
  )
}

/** Every stored document has been judged by the present rules. */
export function logRevalidated(log: Logger, counts: RevalidationCounts): void {
  if (counts.valid + counts.refused + counts.left === 0) return
  const level = counts.refused > 0 ? 'warn' : 'info'
  log[level](
    { event: 'rules.revalidated', rules_version: RULES_VERSION, ...counts },
    'stored documents were judged by the present rules',
  )
}
