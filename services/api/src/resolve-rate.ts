/** Takes one of the resolutions that a tenant may have in a second; false: there are none left for now. */
export type TakeResolve = (tenant: string, perSecond: number) => boolean

type Bucket = { left: number; atMs: number }

/** More tenants than are asked for within a second, or nearly so. */
const REMEMBERED_MAX = 10_000

/**
 * A bucket per tenant that fills at its rate and holds what comes in a second, of this process alone: another round trip for
 * each resolution would cost more than what it bounds.
 */
export function createResolveRate(monotonicMs: () => number): TakeResolve {
  const buckets = new Map<string, Bucket>()
  return (tenant, perSecond) => {
    const nowMs = monotonicMs()
    const before = buckets.get(tenant)
    if (before === undefined && buckets.size >= REMEMBERED_MAX) forgetFull(buckets, nowMs)
    const left = before ? before.left + ((nowMs - before.atMs) / 1000) * perSecond : perSecond
    const bucket = { left: Math.min(perSecond, left), atMs: nowMs }
    buckets.set(tenant, bucket)
    if (bucket.left < 1) return false
    bucket.left -= 1
    return true
  }
}

// Whatever has not been touched for a second is full again.
function forgetFull(buckets: Map<string, Bucket>, nowMs: number): void {
  for (const [tenant, { atMs }] of buckets) {
    if (nowMs - atMs >= 1000) buckets.delete(tenant)
  }
}
