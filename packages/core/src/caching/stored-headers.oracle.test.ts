import CachePolicy from 'http-cache-semantics'
import { describe, expect, it } from 'vitest'
import type { CacheHeaders } from '../ports.ts'
import { freshnessOf } from './freshness.ts'
import { updateStoredHeaders } from './stored-headers.ts'

const receivedAt = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(receivedAt.getTime() + seconds * 1000).toUTCString()
const UNBOUNDED = { minSeconds: 0, defaultSeconds: 0, maxSeconds: 2 ** 31 }

// The types leave out the clock, which the class reads through this method.
class PolicyAtReceipt extends CachePolicy {
  now(): number {
    return receivedAt.getTime()
  }
}

const joined = (headers: CacheHeaders) =>
  Object.fromEntries(Object.entries(headers).map(([name, lines]) => [name, lines?.join(', ')]))

/** What is left of freshness after a 304 by http-cache-semantics. */
function oracle(stored: CacheHeaders, received: CacheHeaders): number {
  const request = { headers: {} }
  const before = new PolicyAtReceipt(request, { status: 200, headers: joined(stored) }, { shared: true })
  const { policy } = before.revalidatedPolicy(request, { status: 304, headers: joined(received) })
  return Math.max(0, Math.floor(policy.maxAge() - policy.age()))
}

function ours(stored: CacheHeaders, received: CacheHeaders): number {
  const headers = updateStoredHeaders(stored, received)
  return freshnessOf({ headers, receivedAt, responseDelaySeconds: 0 }, UNBOUNDED).freshForSeconds
}

const without = (stored: CacheHeaders, received: CacheHeaders) =>
  Object.keys(received).some((name) => !Object.hasOwn(stored, name))

/** Where ours and http-cache-semantics 4.3 part, and why ours is right. */
const DIFFERENCES: Readonly<Record<string, (stored: CacheHeaders, received: CacheHeaders) => boolean>> = {
  'RFC 9111 section 3.2: a field that only the 304 has is added': without,
  'RFC 9111 section 4.2.3: the Age stored is that of the old response': (stored, received) =>
    stored.age !== undefined && received.age === undefined,
  'RFC 9111 section 4.2.3: so is the Date': (stored, received) =>
    stored.date !== undefined && received.date === undefined,
  'CAC-09: an old Date is an age': (_, received) => received.date?.[0] === at(-3000),
}

const CHOICES: { readonly [Name in keyof CacheHeaders]: readonly (readonly string[] | undefined)[] } = {
  'cache-control': [undefined, ['max-age=7200'], ['s-maxage=600, max-age=9'], ['no-store']],
  age: [undefined, ['100']],
  date: [undefined, [at(0)], [at(-3000)]],
  expires: [undefined, [at(9600)]],
  vary: [undefined, ['*']],
}

const ALL = Object.entries(CHOICES).reduce<readonly CacheHeaders[]>(
  (made, [name, values]) =>
    made.flatMap((headers) =>
      values.map((value) => (value === undefined ? headers : { ...headers, [name]: value })),
    ),
  [{}],
)

describe('updateStoredHeaders beside http-cache-semantics as a shared cache', () => {
  const pairs = ALL.flatMap((stored) => ALL.map((received) => [stored, received] as const))
  const differing = pairs.filter(([stored, received]) => oracle(stored, received) !== ours(stored, received))

  it('CAC-12: differs only where the difference is known', () => {
    const unexplained = differing.filter(
      ([stored, received]) => !Object.values(DIFFERENCES).some((known) => known(stored, received)),
    )
    expect(unexplained.slice(0, 5)).toEqual([])
    expect(pairs.length - differing.length).toBeGreaterThan(1000)
  })

  it.each(Object.entries(DIFFERENCES))('differs because of %s', (_, known) => {
    const others = Object.values(DIFFERENCES).filter((other) => other !== known)
    const alone = differing.filter((pair) => known(...pair) && !others.some((other) => other(...pair)))
    expect(alone).not.toEqual([])
  })
})
