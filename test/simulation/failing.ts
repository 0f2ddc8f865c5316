import { DAY, HOUR, type Instant, MINUTE, type Trouble } from './kinds.ts'
import type { Client, Settings } from './population.ts'
import { unit } from './random.ts'

/** Before then an origin that is to fail later does not, so that there is something to lose. */
const WELL_SECONDS = 12 * HOUR

/** What is wrong with the origin of a client at an instant; undefined: nothing. */
export function troubleAt(client: Client, at: Instant, { days }: Settings): Trouble | undefined {
  const { failing } = client.kind
  const seed = client.failingSeed
  switch (failing?.kind) {
    case 'spells': {
      const period = failing.periodDays * DAY
      const nth = Math.floor(at / period)
      const [from, until] = spellOf(seed, nth, { period, seconds: failing.seconds })
      return at >= from && at < until ? failing.trouble : undefined
    }
    case 'slots': {
      const slot = Math.floor(at / failing.slotSeconds)
      return at >= WELL_SECONDS && unit(seed, 31, slot) < failing.share ? failing.trouble : undefined
    }
    case 'for_good':
      return at >= endsAt(client, days) ? failing.trouble : undefined
    case 'at_first':
      return at < client.beginsAt + (0.2 + unit(seed, 33)) * 20 * HOUR ? firstTrouble(seed) : undefined
    default:
      return undefined
  }
}

/** The one spell of the nth period; the first begins when all is known. */
function spellOf(
  seed: number,
  nth: number,
  { period, seconds: [min, max] }: { period: number; seconds: readonly [number, number] },
): [from: Instant, until: Instant] {
  const seconds = min + unit(seed, 30, nth) * (max - min)
  const free = period - seconds - (nth === 0 ? WELL_SECONDS : 0)
  const from = (nth + 1) * period - seconds - unit(seed, 32, nth) * free
  return [from, from + seconds]
}

/** When what fails for good begins to: after half a day, at any time of the rest but its end. */
function endsAt({ failingSeed }: Client, days: number): Instant {
  return WELL_SECONDS + unit(failingSeed, 34) * (days * DAY - WELL_SECONDS - 6 * HOUR)
}

function firstTrouble(seed: number): Trouble {
  const troubles = ['unreachable', 'gone', 'redirects', 'invalid'] as const
  return troubles[Math.floor(unit(seed, 35) * troubles.length)] ?? 'gone'
}

/** Whether an origin that alternates is gone in this minute: always in the first. */
export function isGoneInTurn(client: Client, at: Instant, { days }: Settings): boolean {
  const minute = Math.floor((at - endsAt(client, days)) / MINUTE)
  return minute === 0 || unit(client.failingSeed, 36, minute) < 0.5
}
