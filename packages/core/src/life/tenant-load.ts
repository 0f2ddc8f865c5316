import { judgeOverload, type OverloadFacts, type OverloadThresholds } from './overload.ts'

/** How many demands of each tenant wait in line for a place, by tenant; of those that wait alone. */
export type Line = ReadonlyMap<string, number>

export type TenantLoadThresholds = OverloadThresholds & {
  /** So many of one tenant may wait in line. */
  readonly inLineMax: number
}

/** Whether one more demand of a tenant would wait too long, and whose doing that is. */
export type TenantLoadVerdict =
  | { readonly kind: 'within' }
  /** Of any tenant; infinite where nothing is being answered. */
  | { readonly kind: 'overloaded'; readonly expectedSeconds: number }
  /** Of this tenant, behind what it has in line itself; infinite where nothing tells how fast that moves. */
  | { readonly kind: 'tenant_backlog'; readonly inLine: number; readonly expectedSeconds: number }

/**
 * How many of those in line come before one more demand of the tenant: places go to the tenants in turn, so of each other
 * tenant no more than the tenant itself has there.
 */
export function countAhead(line: Line, tenant: string): number {
  const own = line.get(tenant) ?? 0
  let ahead = 0
  for (const waiting of line.values()) ahead += Math.min(waiting, own)
  return ahead
}

/**
 * Judges one more demand of a tenant, of somebody for whom nothing is usable. `facts` has what is in places and on its way
 * to a fetcher, which everybody waits behind; `line` what waits for a place, of which a tenant waits behind its own.
 */
export function judgeTenantLoad(
  facts: OverloadFacts,
  line: Line,
  tenant: string,
  thresholds: TenantLoadThresholds,
): TenantLoadVerdict {
  const ofAll = judgeOverload(facts, thresholds)
  if (ofAll.overloaded) return { kind: 'overloaded', expectedSeconds: ofAll.expectedSeconds }
  const inLine = line.get(tenant) ?? 0
  if (inLine === 0) return { kind: 'within' }
  const own = judgeOverload(withLine(facts, countAhead(line, tenant), inLine), thresholds)
  if (own.overloaded) {
    const { why, expectedSeconds } = own
    return why === 'unanswered'
      ? { kind: 'overloaded', expectedSeconds }
      : { kind: 'tenant_backlog', inLine, expectedSeconds }
  }
  if (inLine < thresholds.inLineMax) return { kind: 'within' }
  return { kind: 'tenant_backlog', inLine, expectedSeconds: expectedOf(facts, inLine) }
}

function withLine(facts: OverloadFacts, ahead: number, own: number): OverloadFacts {
  const { waiting, lately } = facts
  return { ...facts, waiting: waiting + ahead, lately: { ...lately, waiting: lately.waiting + own } }
}

function expectedOf({ answered }: OverloadFacts, inLine: number): number {
  return answered.count === 0 ? Number.POSITIVE_INFINITY : (inLine * answered.seconds) / answered.count
}
