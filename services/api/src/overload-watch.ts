import {
  judgeOverload,
  judgeTenantLoad,
  type Line,
  type OverloadFacts,
  type OverloadVerdict,
  type TenantLoadThresholds,
  type TenantLoadVerdict,
} from '@cimd/core'

export type OverloadWatchDeps = {
  readonly countFacts: () => Promise<OverloadFacts>
  /** What waits in line, by tenant. */
  readonly countInLine: () => Promise<Line>
  readonly monotonicMs: () => number
  /** Once for each time that the demands of all begin to be refused, or cease to be. */
  readonly tell: (verdict: OverloadVerdict, facts: OverloadFacts) => void
}

/** Knows whether one more demand with nothing usable would wait too long, without asking anybody. */
export type OverloadWatch = {
  readonly judge: (tenant: string) => TenantLoadVerdict
  /** One more demand of the tenant waits than the facts tell, on the queue or `inLine`. */
  readonly noteDemand: (tenant: string, inLine: boolean) => void
  /** Reads the facts anew. */
  readonly look: () => Promise<void>
  /** Rejects while the demands of all are refused. */
  readonly check: () => Promise<void>
}

/** Facts older than this say nothing of now; without any nothing is refused. */
const FACTS_MS_MAX = 3000

/** It is over once nothing would have been refused for so long: at the edge the verdict may turn with every look. */
const QUIET_MS = 10_000

type Known = { readonly facts: OverloadFacts; readonly line: Line; readonly atMs: number }

export function createOverloadWatch(
  { countFacts, countInLine, monotonicMs, tell }: OverloadWatchDeps,
  thresholds: TenantLoadThresholds,
): OverloadWatch {
  let known: Known | undefined
  const queued = createTally()
  const inLine = createTally()
  let refusedAtMs: number | undefined

  // What is known, with the demands since.
  const presently = (): Omit<Known, 'atMs'> | undefined => {
    if (known === undefined || monotonicMs() - known.atMs > FACTS_MS_MAX) return undefined
    return { facts: withDemands(known.facts, queued.sum()), line: inLine.addedTo(known.line) }
  }
  return {
    judge: (tenant) => {
      const now = presently()
      return now ? judgeTenantLoad(now.facts, now.line, tenant, thresholds) : { kind: 'within' }
    },
    noteDemand: (tenant, waitsInLine) => (waitsInLine ? inLine : queued).add(tenant),
    look: async () => {
      const atMs = monotonicMs()
      const counted = [queued.mark(), inLine.mark()]
      const [facts, line] = await Promise.all([countFacts(), countInLine()])
      known = { facts, line, atMs }
      // Those that came meanwhile may not have been counted.
      for (const forget of counted) forget()
      const verdict = judgeOverload(facts, thresholds)
      const isNew = refusedAtMs === undefined
      const isOver = refusedAtMs !== undefined && atMs - refusedAtMs >= QUIET_MS
      if (verdict.overloaded) refusedAtMs = atMs
      else if (isOver) refusedAtMs = undefined
      if (verdict.overloaded ? isNew : isOver) tell(verdict, facts)
    },
    check: async () => {
      const now = presently()
      const verdict = now && judgeOverload(now.facts, thresholds)
      if (verdict?.overloaded) throw new Error(`first contacts are refused: ${verdict.why}`)
    },
  }
}

/** Counts by tenant, until what had been counted at a mark is forgotten. */
function createTally() {
  const counts = new Map<string, number>()
  const change = (tenant: string, by: number): void => {
    const count = (counts.get(tenant) ?? 0) + by
    if (count > 0) counts.set(tenant, count)
    else counts.delete(tenant)
  }
  return {
    add: (tenant: string) => change(tenant, 1),
    sum: () => counts.values().reduce((sum, count) => sum + count, 0),
    mark: () => {
      const before = [...counts]
      return () => {
        for (const [tenant, count] of before) change(tenant, -count)
      }
    },
    addedTo: (line: Line): Line => {
      if (counts.size === 0) return line
      const sums = new Map(line)
      for (const [tenant, count] of counts) sums.set(tenant, (sums.get(tenant) ?? 0) + count)
      return sums
    },
  }
}

function withDemands(facts: OverloadFacts, demands: number): OverloadFacts {
  const { waiting, lately } = facts
  return {
    ...facts,
    waiting: waiting + demands,
    lately: { ...lately, waiting: lately.waiting + demands },
  }
}
