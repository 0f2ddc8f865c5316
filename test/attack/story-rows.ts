import { setTimeout } from 'node:timers/promises'
import type { FailureCode } from '@cimd/core'
import type { Arena, Outcome } from './arena.ts'
import type { AttackRow } from './attack-row.ts'
import type { BehaviourName } from './behaviours.ts'
import { addresses, type Zone } from './name-server.ts'

/** A connection that is still open so long after its fetch has ended was forgotten; a busy machine notices a close late. */
const CLOSING_MS = 10_000

/** Far above what a fetch may read, and what one read may bring beyond that. */
const WIRE_BYTES_MAX = 1_000_000

const literals = [
  '127.0.0.1',
  '169.254.169.254',
  '[::1]',
  '[::7f00:1]',
  '[::ffff:169.254.169.254]',
  '2130706433',
]

/** Attacks that are more than one answer. */
export const STORY_ROWS: readonly AttackRow[] = [
  ...literals.map((host) =>
    // A literal has no certificate: that it was dialled is what went wrong, not the failure that follows.
    story(`literal-${host}`, 'IP literal as host', ['address_blocked'], async (arena) =>
      unless(await arena.fetchUrl(`https://${host}/ok/client.json`), ({ dialled }) =>
        dialled.map(({ address }) => `dialled_${address}`),
      ),
    ),
  ),
  story('port-22', 'port', ['port_not_allowed'], async (arena) =>
    unless(await arena.fetchUrl('https://client.example.org:22/ok/client.json'), ({ dialled }) =>
      dialled.map(({ port }) => `dialled_port_${port}`),
    ),
  ),
  // Framing has room to spare within its own bound, so that only the count of the body itself can tell.
  story('chunked-over-cap', 'body', ['too_large'], (arena) =>
    arena.fetchFrom('ok_chunked', { bodyBytesMax: { document: 100 } }),
  ),
  // The deadline ends it in any case: what counts is how much was read until then.
  story('read-over-bound', 'body', ['too_large'], async (arena) =>
    unless(await arena.fetchFrom('chunk_ext'), ({ wireBytes = 0 }) =>
      wireBytes > WIRE_BYTES_MAX ? ['over_the_bound'] : [],
    ),
  ),
  // A second question within one fetch would be answered with a private address.
  story('rebinding-within-a-fetch', 'rebinding', [], async (arena) =>
    unless(await arena.fetchBy(rebinding(['10.0.0.1'])), ({ dialled }) =>
      dialled.flatMap(({ address }) => (address === '10.0.0.1' ? ['dialled_10.0.0.1'] : [])),
    ),
  ),
  story('dial-deaf', 'clean-up', ['timeout_connect'], (arena) =>
    arena.fetchFrom('ok', { dial: () => new Promise(() => undefined) }),
  ),
  story('resolver-deaf', 'clean-up', ['timeout_dns'], (arena) =>
    arena.fetchFrom('ok', { resolve: () => new Promise(() => undefined) }),
  ),
  ...(['body_stall', 'tls_hang', 'hdr_stall', 'extra_infinite', 'cl_huge'] as const).map((behaviour) =>
    story(`closed-after-${behaviour}`, 'clean-up', [], async (arena) => {
      const outcome = await arena.fetchFrom(behaviour)
      return (await closesIn(arena, behaviour))
        ? { ...outcome, codes: [] }
        : { ...outcome, codes: ['left_open'] }
    }),
  ),
]

function story(
  id: string,
  family: string,
  expected: readonly FailureCode[],
  run: (arena: Arena) => Promise<Outcome>,
): AttackRow {
  return { id, family, expected, run }
}

/** The outcome as it is, unless there is worse to tell of it than its codes. */
function unless(outcome: Outcome, worse: (outcome: Outcome) => readonly string[]): Outcome {
  const codes = worse(outcome)
  return codes.length > 0 ? { ...outcome, codes } : outcome
}

function rebinding(later: readonly string[]): Zone {
  return (question) => addresses(question, question.count === 1 ? ['93.184.215.14'] : later, 0)
}

async function closesIn({ origin }: Arena, behaviour: BehaviourName): Promise<boolean> {
  const control = new AbortController()
  const tooLong = setTimeout(CLOSING_MS, false, { signal: control.signal }).catch(() => false)
  const closed = await Promise.race([origin.drained(behaviour).then(() => true), tooLong])
  control.abort()
  return closed
}
