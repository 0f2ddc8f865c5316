import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spokenClassOf } from '../caching/stale-use.ts'
import type { EventType } from '../event.ts'
import { classOf, type FailureCode } from '../failure/failure.ts'
import { at, DAY, failed, HOUR, inTurn, MINUTE, valid } from './attempts.fixture.ts'
import { type Brake, heldUntil, isDoubted } from './brake.ts'
import { afterRelease } from './brake-release.ts'
import { type ClientStanding, UNKNOWN_STANDING } from './client-record.ts'
import { LIFE_STATES, type LifeState, lifeStateOf } from './life-state.ts'
import { type AttemptOutcome, type Judgement, judgeAttempt } from './lifecycle.ts'
import { type Happening, TRANSITIONS, type Transition } from './transitions.ts'

/** A client, how long nobody has used it, the brake, and the time since the start. */
type World = {
  readonly standing: ClientStanding
  readonly dormantSince: Date | undefined
  readonly brake: Brake | undefined
  readonly seconds: number
}

type Deed =
  | { readonly kind: 'attempt'; readonly outcome: AttemptOutcome }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'disuse' | 'use' | 'engage' | 'release' | 'accept' }

/** What was seen: where the client was, what happened to it, where it came to, and what was announced. */
type Seen = {
  readonly from: LifeState
  readonly on: Happening
  readonly to: LifeState
  readonly events: readonly EventType[]
  readonly isFreshAfter: boolean
  /** Whether subscribers knew that it is stale. */
  readonly isToldBefore: boolean
  readonly isToldAfter: boolean
  readonly isQuarantinedBefore: boolean
  readonly versionBefore: string | undefined
  readonly versionAfter: string | undefined
}

const CODES: readonly FailureCode[] = [
  ...(['address_blocked', 'status_5xx', 'redirect', 'status_404', 'json_invalid', 'host_budget'] as const),
  'quarantined',
]
const DEEDS: readonly Deed[] = [
  { kind: 'attempt', outcome: valid() },
  ...CODES.map((code): Deed => ({ kind: 'attempt', outcome: failed(code) })),
  ...[1, 16 * MINUTE, 2 * HOUR, 2 * DAY].map((seconds): Deed => ({ kind: 'pass', seconds })),
  ...(['disuse', 'use', 'engage', 'release', 'accept'] as const).map((kind): Deed => ({ kind })),
]

const nowOf = ({ seconds }: World) => at(seconds)
const stateOf = (world: World) => lifeStateOf(world.standing, world.dormantSince, nowOf(world))

/** Does one thing to a client, and says what of that the table of transitions speaks of. */
function does(world: World, deed: Deed): { readonly next: World; readonly seen: readonly Seen[] } {
  const after = (next: World, on: Happening, judgement?: Judgement) => ({
    next,
    seen: [seenOf(world, next, on, judgement)],
  })
  switch (deed.kind) {
    case 'pass': {
      const next = { ...world, seconds: world.seconds + deed.seconds }
      return stateOf(next) === stateOf(world) ? { next, seen: [] } : after(next, 'expiry')
    }
    case 'attempt':
      return attempts(world, deed.outcome)
    case 'disuse':
      return world.dormantSince === undefined
        ? after({ ...world, dormantSince: nowOf(world) }, 'disuse')
        : { next: world, seen: [] }
    case 'use':
      return world.dormantSince === undefined
        ? { next: world, seen: [] }
        : after({ ...world, dormantSince: undefined }, 'use')
    case 'engage':
      return { next: { ...world, brake: { heldFrom: at(world.seconds - HOUR) } }, seen: [] }
    // What was found takes effect with the next attempt.
    case 'accept':
      return { next: { ...world, brake: undefined }, seen: [] }
    case 'release':
      return releases(world)
  }
}

// An attempt that was on its way wakes a dormant client first.
function attempts(world: World, outcome: AttemptOutcome): ReturnType<typeof does> {
  if (world.dormantSince !== undefined) {
    const woken = does(world, { kind: 'use' })
    const { next, seen } = attempts(woken.next, outcome)
    return { next, seen: [...woken.seen, ...seen] }
  }
  const judgement = judgeAttempt(world.standing, outcome, nowOf(world), 0.5, world.brake)
  const next = { ...world, standing: judgement.standing }
  const on = happeningOf(outcome)
  return { next, seen: [seenOf(world, next, on, judgement)] }
}

function happeningOf(outcome: AttemptOutcome): Happening {
  if (outcome.kind === 'valid') return 'valid'
  return outcome.code === 'quarantined' ? 'quarantine' : classOf(outcome.code)
}

function releases(world: World): ReturnType<typeof does> {
  const { standing, brake, dormantSince } = world
  const released = { ...world, brake: undefined }
  const judgement = brake && afterRelease(standing, nowOf(world), brake)
  if (judgement === undefined || dormantSince !== undefined) return { next: released, seen: [] }
  const next = { ...released, standing: judgement.standing }
  return { next, seen: [seenOf(world, next, 'release', judgement)] }
}

function seenOf(world: World, next: World, on: Happening, judgement: Judgement | undefined): Seen {
  return {
    ...{ from: stateOf(world), on, to: stateOf(next) },
    events: judgement?.events.map(({ type }) => type) ?? [],
    isFreshAfter: isFresh(next),
    isToldBefore: world.standing.staleAnnounced !== undefined,
    isToldAfter: next.standing.staleAnnounced !== undefined,
    isQuarantinedBefore: world.standing.quarantine !== undefined,
    ...{ versionBefore: world.standing.digest, versionAfter: next.standing.digest },
  }
}

function isFresh(world: World): boolean {
  const { freshUntil } = world.standing
  return freshUntil !== undefined && nowOf(world) < freshUntil
}

const BEGINNING: World = { standing: UNKNOWN_STANDING, dormantSince: undefined, brake: undefined, seconds: 0 }

const arrow = (from: LifeState, on: Happening, to: LifeState) => `${from} --${on}--> ${to}`

/** Each transition that a row speaks of, by itself. */
function arrowsOf({ from, on, to }: Transition): readonly string[] {
  return from.flatMap((before) =>
    on.flatMap((happening) =>
      (to === 'same' ? [before] : to).map((after) => arrow(before, happening, after)),
    ),
  )
}
const TABLE = new Set(TRANSITIONS.flatMap(arrowsOf))

/** Does everything to a client in every situation that is told apart here, and collects what is seen. */
function seeAll(): readonly Seen[] {
  const situations = new Set<string>()
  const worlds = [BEGINNING]
  const all: Seen[] = []
  for (let world = worlds.shift(); world !== undefined; world = worlds.shift()) {
    if (situations.has(situationOf(world))) continue
    situations.add(situationOf(world))
    for (const deed of DEEDS) {
      const { next, seen } = does(world, deed)
      all.push(...seen)
      worlds.push(next)
    }
  }
  return all
}

function situationOf(world: World): string {
  const { standing, brake, dormantSince } = world
  const { state, withdrawing, staleAnnounced, quarantine } = standing
  const awake = lifeStateOf(standing, undefined, nowOf(world))
  const isOver = withdrawing !== undefined && nowOf(world) >= at(sinceStart(withdrawing.since) + 15 * MINUTE)
  const held = heldUntil(standing, brake)
  return JSON.stringify([
    awake,
    state,
    isOver,
    isFresh(world),
    staleAnnounced !== undefined,
    quarantine !== undefined,
    brake !== undefined,
    isDoubted(standing, brake),
    held !== undefined && nowOf(world) < held,
    dormantSince !== undefined,
  ])
}

/** What is announced with one of the transitions that a row speaks of. */
function announcedBy({ announces, announcesOnce }: Transition, seen: Seen): readonly EventType[] {
  if (announces !== undefined) return [announces]
  const { isToldBefore, isToldAfter, isFreshAfter, isQuarantinedBefore } = seen
  if (announcesOnce === 'client.quarantined') return isQuarantinedBefore ? [] : [announcesOnce]
  if (announcesOnce === 'client.stale' && !isToldBefore && !isFreshAfter) return ['client.stale']
  return announcesOnce === 'client.recovered' && isToldBefore && !isToldAfter ? ['client.recovered'] : []
}

const sinceStart = (instant: Date) => (instant.getTime() - at(0).getTime()) / 1000

describe('the table of transitions', () => {
  const seen = seeAll()

  it('has every transition that is seen', () => {
    const missing = seen.map(({ from, on, to }) => arrow(from, on, to)).filter((each) => !TABLE.has(each))
    expect([...new Set(missing)]).toEqual([])
  })

  it('has none that is never seen', () => {
    const arrows = new Set(seen.map(({ from, on, to }) => arrow(from, on, to)))
    expect([...TABLE].filter((each) => !arrows.has(each))).toEqual([])
  })

  it.each(
    TRANSITIONS.filter(({ on }) => !on.includes('disuse')).map(
      (row) => [`${row.from.join(' | ')} on ${row.on.join(' | ')} to ${row.to}`, row] as const,
    ),
  )('announces what its row says: %s', (_, row) => {
    const arrows = new Set(arrowsOf(row))
    const of = seen.filter(({ from, on, to }) => arrows.has(arrow(from, on, to)))
    const announced = of.map(({ events }) => events)
    expect(announced).not.toEqual([])
    // Two rows may lead to the same state; only the one that announces leads somewhere else.
    expect(announced).toEqual(of.map((each) => announcedBy(row, each)))
    if (row.announcesOnce) expect(announced).toContainEqual([row.announcesOnce])
  })

  it('leaves nobody told of a version as stale that is fresh by a valid answer', () => {
    expect(seen.filter(({ on, isToldAfter }) => on === 'valid' && isToldAfter)).toEqual([])
  })

  it('reaches every state from the first, and leaves every one for one that may be used', () => {
    const next = (from: LifeState) => seen.filter((each) => each.from === from).map(({ to }) => to)
    const reached = (from: LifeState) => {
      const states = new Set(next(from))
      for (const state of states) for (const each of next(state)) states.add(each)
      return states
    }
    expect(reached('discovering')).toEqual(new Set(LIFE_STATES))
    for (const state of LIFE_STATES) {
      expect(next(state).some((to) => to !== state)).toBe(true)
      expect(reached(state)).toContain('fresh')
    }
  })
})

describe('whatever happens to a client', () => {
  const deeds = fc.array(
    fc.oneof(
      fc.constantFrom(...DEEDS),
      fc.nat(3 * DAY).map((seconds): Deed => ({ kind: 'pass', seconds })),
    ),
    { maxLength: 60 },
  )
  const runOf = (given: readonly Deed[]) => {
    let world = BEGINNING
    return given.flatMap((deed) => {
      const { next, seen } = does(world, deed)
      world = next
      return seen
    })
  }

  it('stands in the table', () => {
    fc.assert(
      fc.property(deeds, (given) => {
        for (const { from, on, to } of runOf(given)) expect(TABLE).toContain(arrow(from, on, to))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps its last valid version (CAC-07)', () => {
    fc.assert(
      fc.property(deeds, (given) => {
        for (const { on, versionBefore, versionAfter } of runOf(given)) {
          if (on !== 'valid') expect(versionAfter).toBe(versionBefore)
        }
      }),
    )
  })

  it('is announced as stale, withdrawn and recovered in turn, the brake engaged and released as it may be', () => {
    fc.assert(
      fc.property(deeds, (given) => {
        expect(inTurn(runOf(given).flatMap(({ events }) => events))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is in a state of its own class while it fails', () => {
    for (const code of CODES.filter((each) => classOf(each) !== 'deferred')) {
      const seen = runOf([
        { kind: 'attempt', outcome: valid() },
        { kind: 'attempt', outcome: failed(code) },
      ])
      expect(seen.at(-1)?.to).toBe(`failing_${spokenClassOf(code)}`)
    }
  })
})
