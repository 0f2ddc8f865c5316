import { judgeOverload, type OverloadFacts, type OverloadThresholds, type OverloadVerdict } from '@cimd/core'

export type OverloadWatchDeps = {
  readonly countFacts: () => Promise<OverloadFacts>
  readonly monotonicMs: () => number
  /** Once for each time that demands begin to be refused, or cease to be. */
  readonly tell: (verdict: OverloadVerdict, facts: OverloadFacts) => void
}

/** Knows whether one more demand with nothing usable would wait too long, without asking anybody. */
export type OverloadWatch = {
  readonly judge: () => OverloadVerdict
  /** One more demand waits than the facts tell. */
  readonly noteDemand: () => void
  /** Reads the facts anew. */
  readonly look: () => Promise<void>
  /** Rejects while demands are refused. */
  readonly check: () => Promise<void>
}

/** Facts older than this say nothing of now; without any nothing is refused. */
const FACTS_MS_MAX = 3000

/** It is over once nothing would have been refused for so long: at the edge the verdict may turn with every look. */
const QUIET_MS = 10_000

export function createOverloadWatch(
  { countFacts, monotonicMs, tell }: OverloadWatchDeps,
  thresholds: OverloadThresholds,
): OverloadWatch {
  let known: { readonly facts: OverloadFacts; readonly atMs: number } | undefined
  let demands = 0
  let refusedAtMs: number | undefined

  const judge = (): OverloadVerdict => {
    if (known === undefined || monotonicMs() - known.atMs > FACTS_MS_MAX) return { overloaded: false }
    return judgeOverload(withDemands(known.facts, demands), thresholds)
  }
  return {
    judge,
    noteDemand: () => {
      demands += 1
    },
    look: async () => {
      const atMs = monotonicMs()
      const counted = demands
      const facts = await countFacts()
      known = { facts, atMs }
      // Those that came meanwhile may not have been counted.
      demands -= counted
      const verdict = judgeOverload(facts, thresholds)
      const isNew = refusedAtMs === undefined
      const isOver = refusedAtMs !== undefined && atMs - refusedAtMs >= QUIET_MS
      if (verdict.overloaded) refusedAtMs = atMs
      else if (isOver) refusedAtMs = undefined
      if (verdict.overloaded ? isNew : isOver) tell(verdict, facts)
    },
    check: async () => {
      const verdict = judge()
      if (verdict.overloaded) throw new Error(`first contacts are refused: ${verdict.why}`)
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
