import type { Instant } from './kinds.ts'
import type { Client } from './population.ts'
import { usesOf } from './rhythm.ts'

/** One use of a client by a user. */
export type Use = { readonly client: Client; readonly at: Instant }

/** Hands out the uses in the order of steps, without holding all of a month at once. */
export function createUses(
  clients: readonly Client[],
  { until, stepSeconds }: { readonly until: Instant; readonly stepSeconds: number },
): { readonly take: (step: number) => readonly Use[] } {
  const steps = new Map<number, (Use & { rest: Iterator<Instant> })[]>()
  const place = (client: Client, rest: Iterator<Instant>): void => {
    const next = rest.next()
    if (next.done) return
    const step = Math.ceil(next.value / stepSeconds)
    const uses = steps.get(step) ?? []
    uses.push({ client, at: next.value, rest })
    steps.set(step, uses)
  }
  for (const client of clients) place(client, usesOf(client, until))
  return {
    take: (step) => {
      const taken: Use[] = []
      // A client may be used twice in one step.
      for (let uses = steps.get(step); uses !== undefined; uses = steps.get(step)) {
        steps.delete(step)
        taken.push(...uses)
        for (const { client, rest } of uses) place(client, rest)
      }
      return taken
    },
  }
}
