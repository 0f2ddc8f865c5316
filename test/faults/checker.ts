import type { Evidence } from './evidence.ts'
import { theAuditAgrees } from './invariants/audit.ts'
import { everyChangeIsAnnouncedOnce } from './invariants/changes.ts'
import { everyDemandIsAnswered } from './invariants/demands.ts'
import { feedsAreWholeAndInOrder } from './invariants/feeds.ts'
import { fetchesAreExplained } from './invariants/fetches.ts'
import type { Finding } from './invariants/invariant.ts'
import { servicesLast } from './invariants/services.ts'
import { everyClientIsSettled } from './invariants/settled.ts'
import { webhooksArrive } from './invariants/webhooks.ts'

const INVARIANTS = [
  ...[everyDemandIsAnswered, everyClientIsSettled, everyChangeIsAnnouncedOnce, feedsAreWholeAndInOrder],
  ...[webhooksArrive, fetchesAreExplained, theAuditAgrees, servicesLast],
]

/** Judges a run by what it left behind. */
export function check(evidence: Evidence): readonly Finding[] {
  return INVARIANTS.map((invariant) => invariant(evidence))
}
