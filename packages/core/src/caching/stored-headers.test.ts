import { describe, expect, it } from 'vitest'
import type { CacheHeaders } from '../ports.ts'
import { freshnessOf } from './freshness.ts'
import { updateStoredHeaders, updateValidators, validatorsOf } from './stored-headers.ts'

const receivedAt = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(receivedAt.getTime() + seconds * 1000).toUTCString()
const lifetimeOf = (headers: CacheHeaders) =>
  freshnessOf({ headers, receivedAt, responseDelaySeconds: 0 }).freshForSeconds

describe('updateStoredHeaders', () => {
  it('CAC-12: a field of the 304 replaces all lines of the one stored, every other is kept', () => {
    const stored = { 'cache-control': ['max-age=60', 'public'], vary: ['accept'], etag: ['"1"'] }
    expect(updateStoredHeaders(stored, { 'cache-control': ['max-age=7200'], etag: ['"1"'] })).toEqual({
      ...stored,
      'cache-control': ['max-age=7200'],
    })
  })

  it('CAC-12: a 304 without Cache-Control keeps the lifetime stored, counted from its own receipt', () => {
    const stored = { 'cache-control': ['max-age=7200'], date: [at(-7000)], age: ['500'] }
    expect(lifetimeOf(stored)).toBe(300)
    expect(lifetimeOf(updateStoredHeaders(stored, {}))).toBe(7200)
    expect(lifetimeOf(updateStoredHeaders(stored, { date: [at(-100)], age: ['200'] }))).toBe(7000)
  })

  it.each<[string, CacheHeaders, number]>([
    ['an Expires stored before counts on', { expires: [at(4000)] }, 4000],
    ['one that has passed is over', { expires: [at(-1)], date: [at(-7200)] }, 300],
    ['the guess from Last-Modified grows with its age', { 'last-modified': [at(-72_000)] }, 7200],
    ['no-store stays', { 'cache-control': ['no-store, max-age=7200'] }, 300],
    ['Vary on everything stays', { 'cache-control': ['max-age=7200'], vary: ['*'] }, 300],
  ])('CAC-12: of an empty 304, %s', (_, stored, seconds) => {
    expect(lifetimeOf(updateStoredHeaders(stored, {}))).toBe(seconds)
  })

  it('CAC-12: a restriction of the 304 counts at once', () => {
    const stored = { 'cache-control': ['max-age=7200'] }
    expect(lifetimeOf(updateStoredHeaders(stored, { vary: ['*'] }))).toBe(300)
    expect(lifetimeOf(updateStoredHeaders(stored, { 'cache-control': ['no-store'] }))).toBe(300)
  })

  it('CAC-12: a 304 of another response, by its strong ETag, changes none', () => {
    const stored = { 'cache-control': ['max-age=7200'], etag: ['"1"'], date: [at(-60)] }
    const other = { 'cache-control': ['max-age=86400'], etag: ['"2"'], date: [at(0)] }
    expect(updateStoredHeaders(stored, other)).toEqual({
      'cache-control': ['max-age=7200'],
      etag: ['"1"'],
    })
  })
})

describe('updateValidators', () => {
  it.each([
    ['replaced by those of the 304', { etag: ['"1"'], 'last-modified': ['now'] }, '"1"', 'now'],
    ['kept where the 304 has none', {}, '"1"', 'then'],
    ['replaced by a weak one, which compares no bytes', { etag: ['W/"2"'] }, 'W/"2"', 'then'],
  ])('CAC-12: are %s', (_, received, etag, lastModified) => {
    expect(updateValidators({ etag: '"1"', lastModified: 'then' }, received)).toEqual({ etag, lastModified })
  })

  it('CAC-12: a strong one confirms the weak one of the same name', () => {
    expect(updateValidators({ etag: 'W/"1"' }, { etag: ['"1"'] })).toEqual({ etag: '"1"' })
  })

  it('CAC-12: are gone after a 304 of another response, so that the next refresh is unconditional', () => {
    expect(updateValidators({ etag: '"1"', lastModified: 'then' }, { etag: ['"2"'] })).toEqual({})
  })

  it('CAC-12: are learnt where none was stored', () => {
    expect(updateValidators({}, { etag: ['"1"'] })).toEqual({ etag: '"1"' })
    expect(validatorsOf({})).toEqual({})
  })
})
