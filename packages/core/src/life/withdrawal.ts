import { WITHDRAWAL_GRACE_SECONDS } from '../caching/stale-use.ts'
import { classOf } from '../failure/failure.ts'
import { type ClientStanding, type ClientState, isGone } from './client-record.ts'

/** The state of a failing client at `at`: the publisher's word is carried out when its grace is over (CAC-14). */
export function stateAfterWord(
  { state, withdrawing }: Pick<ClientStanding, 'state' | 'withdrawing'>,
  at: Date,
): ClientState {
  if (isGone(state)) return state
  if (withdrawing === undefined) return 'failing'
  if (at.getTime() < withdrawing.since.getTime() + WITHDRAWAL_GRACE_SECONDS * 1000) return 'failing'
  return classOf(withdrawing.code) === 'rejected' ? 'rejected' : 'withdrawn'
}
