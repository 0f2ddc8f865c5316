import { isIPv6 } from 'node:net'

/** Takes one of the refreshes that an address, and everybody together, may hasten in a minute. */
export type TakePublicRefresh = (address: string) => boolean

const WINDOW_MS = 60_000

/** One address gets at most this share of what everybody gets. */
const ADDRESS_SHARE = 0.1

/**
 * A budget per minute for whoever needs no key, of this process alone. No more addresses are remembered than refreshes
 * are granted, so that nobody can fill the memory with addresses.
 */
export function createPublicRefreshBudget(perMinute: number, monotonicMs: () => number): TakePublicRefresh {
  const perAddress = Math.max(1, Math.floor(perMinute * ADDRESS_SHARE))
  let endsAtMs = 0
  let left = 0
  const taken = new Map<string, number>()
  return (address) => {
    const nowMs = monotonicMs()
    if (nowMs >= endsAtMs) {
      endsAtMs = nowMs + WINDOW_MS
      left = perMinute
      taken.clear()
    }
    const owner = ownerOf(address)
    const used = taken.get(owner) ?? 0
    if (left === 0 || used >= perAddress) return false
    left -= 1
    taken.set(owner, used + 1)
    return true
  }
}

/** An IPv6 address stands for its /64, which is what one host is given. */
function ownerOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [before = '', after] = address.split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const missing = after === undefined ? 0 : 8 - head.length - tail.length
  return [...head, ...Array<string>(missing).fill('0'), ...tail].slice(0, 4).join(':')
}
