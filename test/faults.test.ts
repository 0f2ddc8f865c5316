import { describe, expect, it } from 'vitest'
import { check } from './faults/checker.ts'
import type { Evidence, Records } from './faults/evidence.ts'
import type { Wrong } from './faults/invariants/invariant.ts'
import { NEWER, OLDER, quietRun, T0, TENANT } from './faults/plant.ts'

/** What was found in a run that went well but for what is changed of it: by invariant, each kind once. */
function found(change: (run: Evidence) => Partial<Evidence> = () => ({})): Record<string, readonly Wrong[]> {
  const run = quietRun()
  const findings = check({ ...run, ...change(run) })
  const violated = findings.filter(({ violations }) => violations.length > 0)
  return Object.fromEntries(
    violated.map(({ name, violations }) => [name, [...new Set(violations.map(({ wrong }) => wrong))]]),
  )
}

function recorded(change: (records: Records) => Partial<Records>) {
  return ({ records }: Evidence) => ({ records: { ...records, ...change(records) } })
}

function without<T>(items: readonly T[], nth: number): readonly T[] {
  return items.filter((_, index) => index !== nth)
}

function changed<T>(items: readonly T[], nth: number, change: Partial<T>): readonly T[] {
  return items.map((item, index) => (index === nth ? { ...item, ...change } : item))
}

const ALL_ANSWERED = 'every demand is answered'
const SETTLED = 'every client is settled'
const ANNOUNCED = 'every change is announced once'
const FEEDS = 'feeds are whole and in order'
const FETCHES = 'every fetch is explained'
const AUDIT = 'the audit agrees with the origin'
const SERVICES = 'no service ends by itself'

describe('the checker of the faults', () => {
  it('finds nothing where nothing went wrong', () => {
    expect(found()).toEqual({})
  })

  it('takes nothing for kept that was not looked at', () => {
    expect(found(() => ({ demands: [] }))).toMatchObject({ [ALL_ANSWERED]: ['unexplained'] })
  })

  describe('of demands', () => {
    it('finds one that was never answered', () => {
      expect(found(({ demands }) => ({ demands: changed(demands, 1, { end: undefined }) }))).toEqual({
        [ALL_ANSWERED]: ['lost'],
      })
    })

    it('finds a refresh that was answered with what had been replaced before it', () => {
      const end = { at: T0 + 900, kind: 'ready', digest: OLDER.digest } as const
      expect(found(({ demands }) => ({ demands: changed(demands, 1, { end }) }))).toEqual({
        [ALL_ANSWERED]: ['lost'],
      })
    })

    it('allows the same where it is said to be stale', () => {
      const end = { at: T0 + 900, kind: 'ready', digest: OLDER.digest, code: 'timeout_headers' } as const
      expect(found(({ demands }) => ({ demands: changed(demands, 1, { end }) }))).toEqual({})
    })

    it('finds a document that nobody published, and a refusal that nobody caused', () => {
      for (const end of [
        { at: T0 + 900, kind: 'ready', digest: 'ab' },
        { at: T0 + 900, kind: 'problem', code: 'status_404' },
      ] as const) {
        expect(found(({ demands }) => ({ demands: changed(demands, 0, { end }) }))).toEqual({
          [ALL_ANSWERED]: ['unexplained'],
        })
      }
    })

    it('finds a ticket that was forgotten, unless the clock has let it expire', () => {
      const ticketsLost = [{ issuedAt: T0 + 100, at: T0 + 300 }]
      const forgotten = ({ demands }: Evidence) => ({ demands: changed(demands, 0, { ticketsLost }) })
      expect(found(forgotten)).toEqual({ [ALL_ANSWERED]: ['lost'] })
      const clockSteps = [{ at: T0 + 200, offsetSeconds: 7200 }]
      expect(found((run) => ({ ...forgotten(run), clockSteps }))).toEqual({})
    })
  })

  describe('of clients', () => {
    it('finds one that is not known, and one whose publisher has moved on', () => {
      expect(
        found(recorded(({ clients }) => ({ clients: changed(clients, 0, { digest: OLDER.digest }) }))),
      ).toMatchObject({
        [SETTLED]: ['lost'],
      })
      const stranger = {
        ...quietRun().demands[0],
        clientId: 'https://x.example.net/client.json',
      } as Evidence['demands'][0]
      expect(found(({ demands }) => ({ demands: [...demands, stranger] }))).toMatchObject({
        [SETTLED]: ['lost'],
      })
    })

    it.each([
      ['wanted and not done', { wanted: 3 }],
      ['done by no attempt', { wanted: 3, done: 3 }],
      ['claimed for ever', { claimed: 2 }],
    ])('finds what is %s, also where a later demand has healed it', (_, wrong) => {
      const rest = (run: Evidence) => ({
        rest: { ...run.rest, clients: changed(run.rest.clients, 0, wrong) },
      })
      expect(found(rest)).toEqual({ [SETTLED]: ['lost'] })
    })
  })

  describe('of changes', () => {
    it('finds one that was not announced', () => {
      const dropped = recorded(({ outbox }) => ({ outbox: without(outbox, 1) }))
      expect(found(dropped)).toMatchObject({ [ANNOUNCED]: ['lost'] })
    })

    it('finds one that was announced twice, and one that was none', () => {
      const again = recorded(({ outbox }) => ({
        outbox: [...outbox, { ...outbox[1], id: 'again', clientSeq: 3 } as never],
      }))
      expect(found(again)).toMatchObject({ [ANNOUNCED]: ['duplicated'] })
      const data = { from_digest: NEWER.digest, to_digest: 'ab' }
      const untrue = recorded(({ outbox }) => ({
        outbox: [...outbox, { ...outbox[1], id: 'untrue', data } as never],
      }))
      expect(found(untrue)[ANNOUNCED]).toContain('duplicated')
    })

    it('finds changes that were announced in another order', () => {
      const swapped = recorded(({ outbox }) => ({ outbox: outbox.toReversed() }))
      expect(found(swapped)[ANNOUNCED]).toContain('out of order')
    })
  })

  describe('of feeds', () => {
    const received =
      (change: (of: NonNullable<ReturnType<Evidence['received']['get']>>) => readonly unknown[]) =>
      (run: Evidence) => ({ received: new Map([[TENANT, change(run.received.get(TENANT) ?? []) as never]]) })

    it('finds an event that was never received, and one that was received as another', () => {
      expect(found(received((of) => of.slice(0, 1)))).toEqual({ [FEEDS]: ['lost'] })
      expect(found(received((of) => [...of, { ...of[1], id: 'another' }]))).toEqual({
        [FEEDS]: ['unexplained'],
      })
    })

    it('allows that one is received again, and again', () => {
      expect(found(received((of) => [...of, ...of, ...of]))).toEqual({})
    })

    it('finds a gap in the numbers of a client', () => {
      expect(found(received((of) => changed(of, 1, { clientseq: 3 })))).toEqual({ [FEEDS]: ['out of order'] })
    })

    it('finds a gap in the positions, and an event at two of them', () => {
      const gap = recorded(({ feed }) => ({ feed: changed(feed, 1, { position: 3 }) }))
      expect(found(gap)[FEEDS]).toContain('out of order')
      const twice = recorded(({ feed }) => ({
        feed: [...feed, { tenant: TENANT, position: 3, id: 'event-1' }],
      }))
      expect(found(twice)[FEEDS]).toContain('duplicated')
    })

    it('finds what a tenant should have been told, and what is not its business', () => {
      expect(found(recorded(({ feed }) => ({ feed: without(feed, 1) })))[FEEDS]).toContain('lost')
      const later = recorded(({ interest }) => ({ interest: changed(interest, 0, { sinceSeq: 1 }) }))
      expect(found(later)).toEqual({ [FEEDS]: ['duplicated'] })
    })

    it('finds what was never relayed', () => {
      expect(found(recorded(({ outbox }) => ({ outbox: changed(outbox, 1, { relayed: false }) })))).toEqual({
        [FEEDS]: ['lost'],
      })
    })
  })

  describe('of fetches', () => {
    it('finds a generation that was answered twice, and generations out of their order', () => {
      const twice = recorded(({ attempts }) => ({ attempts: changed(attempts, 1, { generation: 1 }) }))
      expect(found(twice)[FETCHES]).toContain('duplicated')
      const swapped = recorded(({ attempts }) => ({ attempts: attempts.toReversed() }))
      expect(found(swapped)[FETCHES]).toContain('out of order')
    })

    it('finds what neither a call nor the schedule has wanted', () => {
      const more = recorded(({ clients }) => ({ clients: changed(clients, 0, { wanted: 9, done: 9 }) }))
      expect(found(more)[FETCHES]).toContain('unexplained')
    })

    it('finds a claim that was lost, unless a fault of the store explains it', () => {
      const run = quietRun()
      const late = { ...run.records.attempts[1], applied: false, generation: 1 } as never
      const lost = recorded(({ attempts }) => ({ attempts: [...attempts, late] }))
      expect(found(lost)[FETCHES]).toContain('unexplained')
      const turns = run.turns.map((turn) => ({ ...turn, disturbsStore: true }))
      expect(found((given) => ({ ...lost(given), turns }))[FETCHES]).toBeUndefined()
    })

    it('allows that a claim was lost to a leap of the clock while it lasted, and not to another', () => {
      const lost = recorded(({ attempts }) => ({
        attempts: [...attempts, { ...attempts[1], applied: false, generation: 1 } as never],
      }))
      const leaptAt = (at: number) => (run: Evidence) => {
        return { ...lost(run), clockSteps: [{ at, offsetSeconds: 7200 }] }
      }
      const began = quietRun().records.attempts[1]?.startedAt.getTime() ?? 0
      expect(found(leaptAt(began + 300))[FETCHES]).toBeUndefined()
      expect(found(leaptAt(began + 90_000))[FETCHES]).toContain('unexplained')
    })
  })

  describe('of the audit', () => {
    const unrecorded = recorded(({ attempts }) => ({ attempts: without(attempts, 1) }))
    const life = (end: number) => ({
      ...({
        id: 'fetcher-1.1',
        service: 'fetcher',
        from: T0,
        until: end,
        end: 'killed',
        exitCode: undefined,
      } as const),
    })

    it('finds a request without an attempt, unless its fetcher ended in it', () => {
      expect(found(unrecorded)[AUDIT]).toEqual(['unexplained'])
      expect(
        found((run) => ({ ...unrecorded(run), lives: [...run.lives, life(T0 + 700)] }))[AUDIT],
      ).toBeUndefined()
      expect(
        found((run) => ({ ...unrecorded(run), lives: [...run.lives, life(T0 + 90_000)] }))[AUDIT],
      ).toBeDefined()
    })

    it('does not let the end of another fetcher explain it', () => {
      const other = { ...life(T0 + 700), id: 'fetcher-2.1' }
      expect(found((run) => ({ ...unrecorded(run), lives: [...run.lives, other] }))[AUDIT]).toEqual([
        'unexplained',
      ])
    })

    it('finds an attempt without a request, and two of one request', () => {
      expect(found(({ hits }) => ({ hits: without(hits, 1) }))).toEqual({ [AUDIT]: ['unexplained'] })
      const twice = recorded(({ attempts }) => ({
        attempts: [...attempts, { ...attempts[1], generation: 3 } as never],
      }))
      expect(found(twice)[AUDIT]).toEqual(['duplicated'])
    })

    it.each([
      ['status', { status: 304 }],
      ['length', { bodyBytes: 7 }],
      ['document', { digest: 'ab' }],
      ['client', { clientId: 'https://x.example.net/client.json' }],
    ])('finds another %s', (_, other) => {
      expect(found(({ hits }) => ({ hits: changed(hits, 1, other) }))).toEqual({ [AUDIT]: ['unexplained'] })
    })
  })

  describe('of services', () => {
    const ended = {
      id: 'api.1',
      service: 'api',
      from: T0,
      until: T0 + 500,
      exitCode: 1,
      said: 'TypeError',
    } as const

    it('finds one that ended by itself, or not in order', () => {
      for (const end of ['by itself', 'stopped'] as const) {
        expect(found(({ lives }) => ({ lives: [...lives, { ...ended, end }] }))).toEqual({
          [SERVICES]: ['unexplained'],
        })
      }
    })

    it('allows that of a fault that ends processes from within', () => {
      const signalled = { ...ended, end: 'by itself', exitCode: undefined } as const
      const lives = [...quietRun().lives, signalled]
      expect(found(() => ({ lives }))[SERVICES]).toEqual(['unexplained'])
      expect(
        found(({ turns }) => ({ lives, turns: turns.map((turn) => ({ ...turn, endsServices: true })) })),
      ).toEqual({})
    })
  })
})
