import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CacheHeaders } from '../ports.ts'
import { DEFAULT_BOUNDS, freshnessOf } from './freshness.ts'

const receivedAt = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(receivedAt.getTime() + seconds * 1_000).toUTCString()
const judge = (headers: CacheHeaders, responseDelaySeconds = 0) =>
  freshnessOf({ headers, receivedAt, responseDelaySeconds })

describe('freshnessOf', () => {
  it.each<[string, CacheHeaders, number]>([
    ['max-age (CAC-08)', { 'cache-control': ['max-age=7200'] }, 7_200],
    ['max-age in capitals (CAC-08)', { 'cache-control': ['MAX-AGE=7200'] }, 7_200],
    ['max-age in quotes (CAC-08)', { 'cache-control': ['max-age="7200"'] }, 7_200],
    ['s-maxage before max-age (CAC-08)', { 'cache-control': ['max-age=600, s-maxage=7200'] }, 7_200],
    ['max-age before Expires (CAC-08)', { 'cache-control': ['max-age=7200'], expires: [at(900)] }, 7_200],
    ['the smallest of two lines (CAC-08)', { 'cache-control': ['max-age=7200', 'max-age=600'] }, 600],
    ['a number with a tail as nothing (CAC-08)', { 'cache-control': ['max-age=7200x'] }, 300],
    ['an overflow as the maximum (CAC-03)', { 'cache-control': [`max-age=${'9'.repeat(40)}`] }, 86_400],
    ['zero as the minimum (CAC-03)', { 'cache-control': ['max-age=0'] }, 300],
    ['Expires less Date (CAC-08)', { expires: [at(7_200)], date: [at(0)] }, 7_200],
    ['Expires without Date (CAC-08)', { expires: [at(7_200)] }, 7_200],
    ['Expires of 0 as expired (CAC-08)', { expires: ['0'], 'last-modified': [at(-1_000_000)] }, 300],
    ['the earlier of two Expires (CAC-08)', { expires: [at(7_200), at(900)] }, 900],
    ['a tenth since Last-Modified (CAC-08)', { 'last-modified': [at(-72_000)], date: [at(0)] }, 7_200],
    ['Last-Modified in the future as nothing (CAC-09)', { 'last-modified': [at(72_000)] }, 300],
    ['nothing as the default (CAC-03)', {}, 3_600],
    ['directives without a lifetime as the default (CAC-03)', { 'cache-control': ['public'] }, 3_600],
    ['Age off the lifetime (CAC-09)', { 'cache-control': ['max-age=3600'], age: ['3000'] }, 600],
    ['the first of two Ages (CAC-09)', { 'cache-control': ['max-age=3600'], age: ['3000, 1'] }, 600],
    [
      'an absurd Age as all of it (CAC-09)',
      { 'cache-control': ['max-age=3600'], age: ['9'.repeat(40)] },
      300,
    ],
    ['an unreadable Age as none (CAC-09)', { 'cache-control': ['max-age=3600'], age: ['-5'] }, 3_600],
    ['an old Date off the lifetime (CAC-09)', { 'cache-control': ['max-age=3600'], date: [at(-3_000)] }, 600],
    [
      'a Date in the future as no age (CAC-09)',
      { 'cache-control': ['max-age=3600'], date: [at(99_999)] },
      3_600,
    ],
    ['an old Date off Expires once (CAC-09)', { expires: [at(600)], date: [at(-86_400)] }, 600],
    ['no-store as the minimum (CAC-10)', { 'cache-control': ['no-store, max-age=7200'] }, 300],
    ['no-cache as the minimum (CAC-10)', { 'cache-control': ['max-age=7200, No-Cache'] }, 300],
    ['private as the minimum (CAC-11)', { 'cache-control': ['private, max-age=7200'] }, 300],
    [
      'Vary on everything as the minimum (CAC-15)',
      { 'cache-control': ['max-age=7200'], vary: ['accept, *'] },
      300,
    ],
    ['Vary on something as it is (CAC-15)', { 'cache-control': ['max-age=7200'], vary: ['accept'] }, 7_200],
    ['Pragma where it is alone (CAC-15)', { pragma: ['no-cache'], expires: [at(7_200)] }, 300],
    [
      'Pragma not beside Cache-Control (CAC-15)',
      { pragma: ['no-cache'], 'cache-control': ['max-age=7200'] },
      7_200,
    ],
    [
      'a directive only named inside quotes not at all',
      { 'cache-control': ['x="no-store, ", max-age=7200'] },
      7_200,
    ],
  ])('reads %s', (_, headers, expected) => {
    expect(judge(headers).freshForSeconds).toBe(expected)
  })

  it('CAC-09: counts the time the response took as age', () => {
    expect(judge({ 'cache-control': ['max-age=3600'], age: ['100'] }, 20).freshForSeconds).toBe(3_480)
  })

  it('CAC-03: keeps to the bounds of the deployment', () => {
    const bounds = { minSeconds: 10, defaultSeconds: 20, maxSeconds: 30 }
    const within = (headers: CacheHeaders) =>
      freshnessOf({ headers, receivedAt, responseDelaySeconds: 0 }, bounds).freshForSeconds
    expect(within({})).toBe(20)
    expect(within({ 'cache-control': ['max-age=1'] })).toBe(10)
    expect(within({ 'cache-control': ['max-age=99'] })).toBe(30)
    expect(within({ 'cache-control': ['no-store'] })).toBe(10)
  })

  it.each([
    ...['no-store', 'no-cache', 'must-revalidate', 'proxy-revalidate', 's-maxage=60', 'private'],
    ...['no-cache="set-cookie"', 'private="x-user"'],
  ])('CAC-10, CAC-11, CAC-13: forbids any stale use for %s', (directive) => {
    const headers = { 'cache-control': [`stale-while-revalidate=60, stale-if-error=60, ${directive}`] }
    expect(judge(headers)).toMatchObject({
      staleForbidden: true,
      staleWhileRevalidateSeconds: 0,
      staleIfErrorSeconds: undefined,
    })
  })

  it('CAC-15: forbids any stale use where the answer varies on everything', () => {
    expect(judge({ vary: ['*'] })).toMatchObject({ staleForbidden: true, staleWhileRevalidateSeconds: 0 })
  })

  it.each([
    ['max-age=7200, stale-if-error=60', 60],
    ['max-age=7200, stale-if-error="60"', 60],
    ['max-age=7200, stale-if-error=600, stale-if-error=60', 60],
    ['max-age=7200, stale-if-error', 0],
    ['max-age=7200, stale-if-error=60x', 0],
    // A store whose integers have 32 bits must be able to keep it.
    ['max-age=7200, stale-if-error=2147483648', 2_147_483_647],
    ['max-age=7200', undefined],
  ])('CAC-13: of %j lets an outage last %s s', (line, expected) => {
    expect(judge({ 'cache-control': [line] })).toMatchObject({ staleIfErrorSeconds: expected })
  })

  it.each([
    ['max-age=7200, stale-while-revalidate=60', 60],
    ['max-age=7200, stale-while-revalidate=999999', 86_400],
    ['max-age=7200, stale-while-revalidate=60x', 0],
    ['max-age=7200', 600],
    ['max-age=400', 400],
  ])('CAC-13: of %j allows the stale answer for %i s', (line, expected) => {
    expect(judge({ 'cache-control': [line] })).toMatchObject({
      staleForbidden: false,
      staleWhileRevalidateSeconds: expected,
    })
  })

  it('CAC-08: is monotone in max-age', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.nat(2 ** 31), fc.nat(100_000), (a, b, age) => {
        const lifetime = (maxAge: number) =>
          judge({ 'cache-control': [`max-age=${maxAge}`], age: [String(age)] }).freshForSeconds
        expect(lifetime(Math.min(a, b))).toBeLessThanOrEqual(lifetime(Math.max(a, b)))
      }),
    )
  })

  it('CAC-09: never grows with Age', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (a, b) => {
        const lifetime = (age: number) =>
          judge({ 'cache-control': ['max-age=50000'], age: [String(age)] }).freshForSeconds
        expect(lifetime(Math.max(a, b))).toBeLessThanOrEqual(lifetime(Math.min(a, b)))
      }),
    )
  })

  it('CAC-03: never leaves the bounds and never throws, whatever the headers hold', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('max-age=', 's-maxage=1', at(1e9), at(-1e9), '0', '*', 'no-cache'),
    )
    const lines = fc.array(line, { maxLength: 3 })
    const headers = fc.record(
      {
        age: lines,
        'cache-control': lines,
        date: lines,
        expires: lines,
        'last-modified': lines,
        vary: lines,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(headers, (headers) => {
        const { freshForSeconds, staleWhileRevalidateSeconds } = judge(headers)
        expect(freshForSeconds).toBeGreaterThanOrEqual(DEFAULT_BOUNDS.minSeconds)
        expect(freshForSeconds).toBeLessThanOrEqual(DEFAULT_BOUNDS.maxSeconds)
        expect(staleWhileRevalidateSeconds).toBeGreaterThanOrEqual(0)
        expect(staleWhileRevalidateSeconds).toBeLessThanOrEqual(DEFAULT_BOUNDS.maxSeconds)
      }),
    )
  })
})
