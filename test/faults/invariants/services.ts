import type { Evidence, Life } from '../evidence.ts'
import { finding, type Invariant } from './invariant.ts'

/** How long after a turn a process may still end by it. */
const LATE_MS = 10_000

/** No process ends by itself, and whoever is told to stop ends in order. */
export const servicesLast: Invariant = (evidence) => {
  const { lives } = evidence
  const checked = {
    killed: lives.filter(({ end }) => end === 'killed').length,
    stopped: lives.filter(({ end }) => end === 'stopped').length,
  }
  const strange = lives.filter(
    (life) =>
      (life.end === 'by itself' && !isOfFault(evidence, life)) ||
      (life.end === 'stopped' && life.exitCode !== 0),
  )
  const violations = strange.map(
    ({ id, end, exitCode, until, said }) =>
      ({ wrong: 'unexplained', what: `${id} ended ${end} with ${exitCode}: ${said}`, at: until }) as const,
  )
  return finding('no service ends by itself', checked, violations)
}

/** Ended by a signal that a fault has brought about. */
function isOfFault({ turns }: Evidence, { exitCode, until }: Life): boolean {
  const isDuring = turns.some(({ endsServices, from, until: over }) => {
    return endsServices && from <= until && until <= over + LATE_MS
  })
  return exitCode === undefined && isDuring
}
