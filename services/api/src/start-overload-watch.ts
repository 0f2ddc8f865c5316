import type { OverloadFacts, OverloadVerdict, TenantLoadThresholds } from '@cimd/core'
import { type Logger, repeat } from '@cimd/runtime'
import { countInLine, countOverloadFacts, type Db } from '@cimd/store'
import { createOverloadWatch, type OverloadWatch } from './overload-watch.ts'

const LOOK_INTERVAL_MS = 1000

/** Looks once a second, from now on until it is stopped, at how first contacts are being answered. */
export function startOverloadWatch(
  { db, log }: { readonly db: Db; readonly log: Logger },
  thresholds: TenantLoadThresholds,
): OverloadWatch & { readonly stop: () => Promise<void> } {
  const deps = {
    countFacts: () => countOverloadFacts(db),
    countInLine: () => countInLine(db, thresholds.inLineMax),
    monotonicMs: () => performance.now(),
    tell: (verdict: OverloadVerdict, facts: OverloadFacts) => logOverloadTurned(log, verdict, facts),
  }
  const watch = createOverloadWatch(deps, thresholds)
  const { stop } = repeat(LOOK_INTERVAL_MS, watch.look, (error) =>
    log.warn({ event: 'overload.unknown', err: error }, 'it is not known how first contacts are answered'),
  )
  return { ...watch, stop }
}

function logOverloadTurned(log: Logger, verdict: OverloadVerdict, facts: OverloadFacts): void {
  const { waiting, lately, answered, fetchersGone } = facts
  const fields = {
    ...{ waiting, waiting_lately: lately.waiting, oldest_seconds: lately.oldestSeconds },
    ...{ answered: answered.count, answered_seconds: answered.seconds, fetchers_gone: fetchersGone },
  }
  if (!verdict.overloaded) {
    log.info({ event: 'overload.ended', ...fields }, 'first contacts are taken again')
    return
  }
  const { why, expectedSeconds } = verdict
  const told = { why, ...(Number.isFinite(expectedSeconds) && { expected_seconds: expectedSeconds }) }
  const message = 'first contacts would wait too long and are refused'
  log.error({ event: 'overload.began', ...told, ...fields }, message)
}
