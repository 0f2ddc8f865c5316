import { ageIsBounded } from './age.ts'
import { faultTripsTheBrake } from './brake.ts'
import { changesAreOneEvent } from './events.ts'
import { fetchesFollowTheFormula } from './fetches.ts'
import type { Invariant } from './invariant.ts'
import { oneFailureLocksNobodyOut } from './lockouts.ts'
import { hostsArePaced } from './pace.ts'
import { removedRedirectsEnd } from './redirects.ts'
import { noVersionIsLost } from './versions.ts'
import { withdrawnEnd } from './withdrawal.ts'

/** Everything a run is checked for. */
export const INVARIANTS: readonly Invariant[] = [
  ...[ageIsBounded, fetchesFollowTheFormula, hostsArePaced, noVersionIsLost, changesAreOneEvent],
  ...[withdrawnEnd, removedRedirectsEnd, oneFailureLocksNobodyOut, faultTripsTheBrake],
]
