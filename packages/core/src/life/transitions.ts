import type { SpokenClass } from '../caching/stale-use.ts'
import type { EventType } from '../event.ts'
import { type LifeState, SPOKEN_CLASSES } from './life-state.ts'

/** What may happen to a client: an attempt that was valid or failed by class, time, use, and the operator's brake. */
export type Happening =
  | 'valid'
  | SpokenClass
  /** An attempt that our own budgets did not let begin. */
  | 'deferred'
  /** An attempt that killed the process it had for itself. */
  | 'quarantine'
  /** The freshness lifetime ends. */
  | 'expiry'
  /** The last interest lease ends. */
  | 'disuse'
  /** A demand, or an attempt that was still on its way. */
  | 'use'
  /** The operator releases the brake, as mended. */
  | 'release'

/** Rows of one table: from each of `from`, each of `on` leads to `to`. */
export type Transition = {
  readonly from: readonly LifeState[]
  readonly on: readonly Happening[]
  /** `same`: the client stays where it is. Several: where it was before it became dormant. */
  readonly to: readonly LifeState[] | 'same'
  /** What decides, where one happening may lead to different states. */
  readonly when?: string
  /** The event that is announced each time, beside `client.metadata_changed`, which depends on the document. */
  readonly announces?: EventType
  /**
   * The event that is announced once in a run of failures: `client.stale` when the version is fresh no longer, and
   * `client.recovered` if that was announced. `client.quarantined` once in a quarantine, however often that is prolonged.
   */
  readonly announcesOnce?: Extract<EventType, 'client.stale' | 'client.recovered' | 'client.quarantined'>
  readonly follows: string
}

const FAILING = SPOKEN_CLASSES.map(failingBy)
// Whatever fails next replaces the class of these; the publisher's word and a held refusal stay.
const REPLACEABLE: readonly LifeState[] = [
  ...(['fresh', 'stale', 'failing_unreachable', 'failing_ambiguous', 'failing_refused'] as const),
]
const KEPT: readonly LifeState[] = ['fresh', 'stale', ...FAILING]
const ENDING = ['failing_withdrawn', 'failing_rejected', 'failing_refused'] as const
const GONE = ['withdrawn', 'rejected'] as const
const AWAKE: readonly LifeState[] = ['discovering', ...KEPT, ...GONE]

const FOLLOWS: Readonly<Record<SpokenClass, string>> = {
  unreachable: 'the version stays usable for a day, and fresh while its lifetime lasts',
  ambiguous: 'the version stays usable for an hour',
  withdrawn: 'a valid answer within 15 minutes keeps the client',
  rejected: 'a valid answer within 15 minutes keeps the client',
  refused: 'the version is unusable at once',
}

/** Every transition there is. A test holds `judgeAttempt`, dormancy, time and the brake to it, row by row. */
export const TRANSITIONS: readonly Transition[] = [
  {
    ...{ from: ['discovering'], on: ['valid'], to: ['fresh'], announces: 'client.discovered' },
    follows: 'its first version is kept',
  },
  {
    ...{ from: ['discovering'], on: SPOKEN_CLASSES, to: 'same' },
    follows: 'nothing is kept; the next demand tries again',
  },
  {
    ...{ from: KEPT, on: ['valid'], to: ['fresh'], announcesOnce: 'client.recovered' },
    follows: 'a new lifetime begins; what failed is forgotten',
  },
  { from: ['fresh'], on: ['expiry'], to: ['stale'], follows: 'the next demand, or a refresh, asks again' },
  ...SPOKEN_CLASSES.map(
    (failureClass): Transition => ({
      ...{ from: REPLACEABLE, on: [failureClass], to: [failingBy(failureClass)] },
      announcesOnce: 'client.stale',
      follows: FOLLOWS[failureClass],
    }),
  ),
  {
    ...{ from: ['failing_refused'], on: SPOKEN_CLASSES, to: 'same', when: 'the brake holds it' },
    follows: 'it stays usable, for a day at most',
  },
  ...GONE.flatMap((word): Transition[] => [
    {
      ...{ from: [failingBy(word)], on: SPOKEN_CLASSES, to: 'same' },
      when: 'the 15 minutes are not over, or the brake holds it',
      follows: 'only a valid answer takes the word of the publisher back',
    },
    {
      ...{ from: [failingBy(word)], on: SPOKEN_CLASSES, to: [word], announces: 'client.withdrawn' },
      when: 'the 15 minutes are over',
      follows: 'the client is unusable',
    },
  ]),
  { from: GONE, on: SPOKEN_CLASSES, to: 'same', follows: 'it is looked at once a day' },
  {
    ...{ from: GONE, on: ['valid'], to: ['fresh'], announces: 'client.recovered' },
    follows: 'it is usable again',
  },
  {
    ...{ from: REPLACEABLE, on: ['quarantine'], to: ['failing_unreachable'] },
    announcesOnce: 'client.quarantined',
    follows: 'usable as through an outage; nothing is fetched for a day',
  },
  {
    ...{
      from: ['discovering', 'failing_withdrawn', 'failing_rejected', ...GONE],
      on: ['quarantine'],
      to: 'same',
    },
    announcesOnce: 'client.quarantined',
    follows: 'nothing is fetched for a day, and no word of the publisher carried out',
  },
  {
    ...{ from: ['failing_refused'], on: ['quarantine'], to: 'same', when: 'the brake holds it' },
    announcesOnce: 'client.quarantined',
    follows: 'nothing is fetched for a day',
  },
  { from: AWAKE, on: ['deferred'], to: 'same', follows: 'it waits its turn' },
  {
    ...{ from: AWAKE.slice(1), on: ['disuse'], to: ['dormant'], announces: 'client.dormant' },
    follows: 'nothing is fetched; its versions are kept',
  },
  { from: ['discovering'], on: ['disuse'], to: ['dormant'], follows: 'nothing is fetched' },
  { from: ['dormant'], on: ['use'], to: AWAKE, follows: 'it is where it was, as old as it is' },
  {
    ...{ from: ENDING, on: ['release'], to: ['stale'], announcesOnce: 'client.recovered' },
    when: 'the brake doubts what was found',
    follows:
      'that counts only if it is found again; it is fetched at once, and if it is held used and announced as recovered',
  },
  {
    ...{ from: GONE, on: ['release'], to: ['stale'], announces: 'client.recovered' },
    when: 'the brake holds it',
    follows: 'what was found counts only if it is found again; it is fetched at once, and used meanwhile',
  },
  {
    ...{
      from: GONE,
      on: ['release'],
      to: 'same',
      when: 'the brake doubts what was found, and does not hold it',
    },
    follows: 'it is fetched at once, and unusable until an answer is valid',
  },
]

function failingBy(failureClass: SpokenClass): `failing_${SpokenClass}` {
  return `failing_${failureClass}`
}
