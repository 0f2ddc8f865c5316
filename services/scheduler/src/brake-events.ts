import type { Logger } from '@cimd/runtime'
import type { BrakeCount, EngagedBrake } from '@cimd/store'

/**
 * The line an operator alerts on: it comes back every minute until the brake is released. Without the numbers where they
 * could not be counted, of which a line of its own says why.
 */
export function logBrakeEngaged(
  log: Logger,
  { engagedAt, heldFrom, reason }: EngagedBrake,
  count: BrakeCount,
): void {
  log.error(
    {
      event: 'brake.engaged',
      reason,
      engaged_at: engagedAt,
      held_from: heldFrom,
      ...('facts' in count && numbersOf(count)),
    },
    'the brake is engaged: no withdrawal takes effect, and each client is held for a day at most, until an operator releases it with `cimd brake`',
  )
  if ('facts' in count) return
  log.error(
    { event: 'brake.uncounted', err: count.uncounted },
    'what the engaged brake holds could not be counted: it holds all the same, and its alert comes without numbers',
  )
}

function numbersOf({ facts, held }: Extract<BrakeCount, { readonly facts: unknown }>) {
  return {
    // Counted only as far as it matters to engaging the brake: `cimd brake` counts all.
    clients_in_use_at_least: facts.inUse,
    clients_ending: facts.ending,
    clients_held: held.clients,
    first_hold_ends_at: held.firstEndsAt,
    canaries_failing: facts.failingCanaries,
  }
}

/** It is over. */
export function logBrakeReleased(log: Logger): void {
  log.info({ event: 'brake.released' }, 'the brake was released')
}
