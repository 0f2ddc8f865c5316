import type { RegistrarEvent } from '../event.ts'
import type { ContinuityJudgement, DomainStanding } from './continuity.ts'

/** The event of a judgement, if it is one to tell: a discontinuity alone (CHG-05). */
export function ownershipEvent(
  domain: string,
  known: Pick<DomainStanding, 'lastSeenAt'>,
  judgement: ContinuityJudgement,
): Extract<RegistrarEvent, { type: 'host.ownership_changed' }> | undefined {
  if (judgement.verdict !== 'discontinuous') return undefined
  const { signals, reasons, standing } = judgement
  return {
    type: 'host.ownership_changed',
    data: {
      domain,
      ...{ signals: [...signals], reasons: [...reasons], era: standing.era },
      last_seen_at: known.lastSeenAt.toISOString(),
      seen_at: standing.eraSince.toISOString(),
    },
  }
}
