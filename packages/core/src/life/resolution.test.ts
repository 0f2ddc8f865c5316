import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'
import { PURPOSES, planResolve, usabilityOf } from './resolution.ts'

const HOUR = 60 * 60
const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)

const fresh: ClientStanding = {
  state: 'valid',
  digest: 'a'.repeat(64),
  validatedAt: at(-60),
  freshUntil: at(HOUR),
  revalidateUntil: at(HOUR + 600),
  staleForbidden: false,
  staleIfErrorSeconds: undefined,
  usableUntil: at(25 * HOUR),
  failure: undefined,
  withdrawing: undefined,
  retryAt: undefined,
  staleAnnounced: undefined,
  quarantine: undefined,
}
const revalidating = { ...fresh, freshUntil: at(-60), revalidateUntil: at(540), usableUntil: at(23 * HOUR) }
const stale = { ...revalidating, revalidateUntil: at(-1) }
const down: ClientStanding = {
  ...stale,
  state: 'failing',
  failure: { code: 'status_5xx', since: at(-30) },
  retryAt: at(30),
}
const expired = { ...stale, usableUntil: now }
const withdrawing: ClientStanding = {
  ...down,
  freshUntil: at(-30),
  withdrawing: { code: 'status_404', since: at(-30) },
  usableUntil: at(870),
}
const withdrawn: ClientStanding = { ...withdrawing, state: 'withdrawn' }

describe('usabilityOf', () => {
  it('calls a version stale from now on, where nothing says since when', () => {
    expect(usabilityOf({ ...stale, freshUntil: undefined }, now)).toMatchObject({ kind: 'stale', since: now })
  })

  it.each<[string, ClientStanding]>([
    ['valid', fresh],
    ['failing while its lifetime lasts', { ...down, freshUntil: at(1) }],
  ])('takes a version that is %s for fresh', (_, standing) => {
    expect(usabilityOf(standing, now)).toEqual({ kind: 'fresh' })
  })

  it('takes a version for stale from the instant its lifetime ends', () => {
    const { usableUntil: until } = fresh
    expect(usabilityOf({ ...fresh, freshUntil: now }, now)).toEqual({
      kind: 'stale',
      since: now,
      until,
      why: 'expired',
    })
  })

  it('says since when and why a version is stale: the first failure', () => {
    expect(usabilityOf(down, now)).toEqual({
      kind: 'stale',
      since: at(-30),
      until: down.usableUntil,
      why: 'status_5xx',
    })
  })

  it('names the word of the publisher before a later outage (CAC-14)', () => {
    expect(usabilityOf(withdrawing, now)).toMatchObject({ kind: 'stale', why: 'status_404' })
  })

  it.each<[string, ClientStanding, string]>([
    ['that was never asked for', UNKNOWN_STANDING, 'unknown'],
    [
      'that was never valid (CAC-05)',
      { ...UNKNOWN_STANDING, failure: { code: 'json_invalid', since: at(-1) } },
      'json_invalid',
    ],
    ['past its use', expired, 'expired'],
    ['past its use in an outage', { ...down, usableUntil: now }, 'status_5xx'],
    ['withdrawn, whatever its lifetime', { ...withdrawn, freshUntil: at(HOUR) }, 'status_404'],
    ['made invalid', { ...withdrawing, state: 'rejected' }, 'status_404'],
  ])('lets nobody use a client %s', (_, standing, why) => {
    expect(usabilityOf(standing, now)).toEqual({ kind: 'unusable', why })
  })
})

describe('planResolve for a subject', () => {
  const plan = (standing: ClientStanding, known = true) =>
    planResolve(standing, { purpose: 'authorize', mayDemand: true, known }, now)

  it.each<[string, ClientStanding, object]>([
    ['answers a fresh record', fresh, { kind: 'answer', refresh: false }],
    ['answers a stale one during its refresh', revalidating, { kind: 'answer', refresh: true }],
    ['demands a fetch once that allowance has ended (CHG-08)', stale, { kind: 'demand' }],
    [
      'asks an origin that is down no more often than planned (CAC-06)',
      down,
      { kind: 'answer', refresh: false },
    ],
    ['asks it again when it is time', { ...down, retryAt: now }, { kind: 'demand' }],
    ['demands a fetch of what is past its use', expired, { kind: 'demand' }],
    [
      'demands a fetch of what is past its use although the origin is down (CAC-04)',
      { ...down, usableUntil: at(-1) },
      { kind: 'demand' },
    ],
    ['demands a fetch while the publisher may still correct it (CAC-14)', withdrawing, { kind: 'demand' }],
    ['demands a fetch of what was withdrawn (CAC-04)', withdrawn, { kind: 'demand' }],
    [
      'demands a fetch of what a gate refused (CAC-06)',
      { ...down, failure: { code: 'redirect', since: at(-30) } },
      { kind: 'demand' },
    ],
    ['demands a fetch of the unknown', UNKNOWN_STANDING, { kind: 'demand' }],
    [
      'demands a fetch of what failed a moment ago (CAC-04)',
      { ...UNKNOWN_STANDING, failure: { code: 'status_5xx', since: at(-1) } },
      { kind: 'demand' },
    ],
  ])('%s', (_, standing, expected) => {
    expect(plan(standing)).toEqual(expected)
    expect(plan(standing, false)).toEqual(expected)
  })
})

describe('planResolve of a client in quarantine', () => {
  const quarantine = { since: at(-HOUR), until: at(HOUR) }
  const aside = (standing: ClientStanding): ClientStanding => ({ ...standing, quarantine })
  const plan = (standing: ClientStanding) =>
    planResolve(standing, { purpose: 'authorize', mayDemand: true, known: true }, now)

  it.each<[string, ClientStanding]>([
    ['fresh', fresh],
    ['stale', stale],
    ['stale during its refresh', revalidating],
    ['about to be withdrawn', withdrawing],
  ])('answers from a record that is %s, and has nothing fetched', (_, standing) => {
    expect(plan(aside(standing))).toEqual({ kind: 'answer', refresh: false })
  })

  it.each<[string, ClientStanding]>([
    ['past its use', expired],
    ['withdrawn', withdrawn],
    ['unknown', UNKNOWN_STANDING],
  ])('says no at once where the record is %s', (_, standing) => {
    expect(plan(aside(standing))).toEqual({ kind: 'quarantined', quarantine })
  })

  it('has it fetched when the quarantine is over', () => {
    expect(plan({ ...expired, quarantine: { ...quarantine, until: now } })).toEqual({ kind: 'demand' })
  })
})

describe('planResolve without a subject', () => {
  const plan = (standing: ClientStanding, known: boolean) =>
    planResolve(standing, { purpose: 'par', mayDemand: false, known }, now)

  it.each<[string, ClientStanding]>([
    ['fresh', fresh],
    ['stale', stale],
    ['stale during its refresh', revalidating],
  ])('answers from a record that is %s and causes nothing', (_, standing) => {
    expect(plan(standing, true)).toEqual({ kind: 'answer', refresh: false })
  })

  it('tells nothing apart of what the tenant never demanded, known to others or not', () => {
    for (const standing of [fresh, stale, withdrawn, UNKNOWN_STANDING]) {
      expect(plan(standing, false)).toEqual({ kind: 'subject_required' })
    }
  })

  it('asks for a subject where the record does not do', () => {
    expect(plan(expired, true)).toEqual({ kind: 'subject_required' })
    expect(plan(withdrawn, true)).toEqual({ kind: 'subject_required' })
  })
})

describe('planResolve', () => {
  const standings = fc.constantFrom(
    ...[UNKNOWN_STANDING, fresh, revalidating, stale, down, expired, withdrawing, withdrawn],
  )

  it('causes no fetch for token and revoke, or without leave to demand', () => {
    const request = fc.record({
      purpose: fc.constantFrom(...PURPOSES),
      mayDemand: fc.boolean(),
      known: fc.boolean(),
    })
    fc.assert(
      fc.property(standings, request, (standing, given) => {
        const plan = planResolve(standing, given, now)
        const silent = ['token', 'revoke'].includes(given.purpose)
        if (silent) expect(plan).toEqual({ kind: 'answer', refresh: false })
        if (silent || !given.mayDemand) expect(plan).not.toMatchObject({ kind: 'demand' })
        if (silent || !given.mayDemand) expect(plan).not.toMatchObject({ refresh: true })
      }),
    )
  })

  it('answers a subject nothing that must not be used', () => {
    fc.assert(
      fc.property(standings, fc.integer({ min: -HOUR, max: 48 * HOUR }).map(at), (standing, instant) => {
        const plan = planResolve(standing, { purpose: 'authorize', mayDemand: true, known: true }, instant)
        if (usabilityOf(standing, instant).kind === 'unusable') expect(plan).toEqual({ kind: 'demand' })
      }),
    )
  })
})
