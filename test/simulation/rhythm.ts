import { DAY, HOUR, type Instant } from './kinds.ts'
import type { Client } from './population.ts'
import { unit } from './random.ts'

/** How much is going on in each hour of a working day, 1 on average. */
const HOURS = [
  ...[0.25, 0.2, 0.2, 0.2, 0.25, 0.4, 0.7, 1.1, 1.6, 1.9, 1.9, 1.8],
  ...[1.5, 1.7, 1.8, 1.7, 1.5, 1.2, 1, 0.9, 0.8, 0.6, 0.5, 0.3],
] as const
/** Day 0 is a Monday. */
const WEEKDAYS = [1.15, 1.2, 1.2, 1.2, 1.15, 0.6, 0.5] as const
const BUSIEST = Math.max(...HOURS) * Math.max(...WEEKDAYS)

/** Uses per day of one client as they would be if it went on as at this instant. */
export function usesPerDayAt({ usesPerDay, beginsAt }: Client, at: Instant): number {
  if (at < beginsAt) return 0
  const hour = HOURS[Math.floor((at % DAY) / HOUR)] ?? 1
  const weekday = WEEKDAYS[Math.floor(at / DAY) % WEEKDAYS.length] ?? 1
  return usesPerDay * hour * weekday
}

/** One use after the other, at random by the rhythm: a Poisson process, thinned. The first is where it begins. */
export function* usesOf(client: Client, until: Instant): Generator<Instant> {
  const pauseSeconds = DAY / (client.usesPerDay * BUSIEST)
  let at = client.beginsAt
  if (at < until) yield at
  for (let nth = 0; ; nth += 1) {
    at += -Math.log(1 - unit(client.seed, 10, nth)) * pauseSeconds
    if (at >= until) return
    if (unit(client.seed, 11, nth) * client.usesPerDay * BUSIEST < usesPerDayAt(client, at)) yield at
  }
}
