import { describe, expect, it } from 'vitest'
import { settingsFrom } from './simulation/arguments.ts'
import { documentAt, lastGuest } from './simulation/documents.ts'
import type {
  ClientEvidence,
  Evidence,
  HeardEvent,
  OriginRequest,
  ResolveAnswer,
} from './simulation/evidence.ts'
import { troubleAt } from './simulation/failing.ts'
import { ageIsBounded } from './simulation/invariants/age.ts'
import { faultTripsTheBrake } from './simulation/invariants/brake.ts'
import { changesAreOneEvent } from './simulation/invariants/events.ts'
import { fetchesFollowTheFormula } from './simulation/invariants/fetches.ts'
import type { Finding, Invariant } from './simulation/invariants/invariant.ts'
import { oneFailureLocksNobodyOut } from './simulation/invariants/lockouts.ts'
import { hostsArePaced } from './simulation/invariants/pace.ts'
import { removedRedirectsEnd } from './simulation/invariants/redirects.ts'
import { noVersionIsLost } from './simulation/invariants/versions.ts'
import { withdrawnEnd } from './simulation/invariants/withdrawal.ts'
import { createJobs } from './simulation/jobs.ts'
import { DAY, HOUR, KINDS, type KindName, MINUTE } from './simulation/kinds.ts'
import { evidenceOf, hotClient, keptClient, servedAt } from './simulation/plant.ts'
import { type Client, populate } from './simulation/population.ts'
import { usesOf } from './simulation/rhythm.ts'

const ORDINARY: KindName = 'says nothing'

/** A small world with one client of a kind, and what is changed of its evidence. */
function world(
  name: KindName,
  change: (kept: ClientEvidence, texts: Map<string, string>) => Partial<ClientEvidence> = () => ({}),
): Evidence {
  const texts = new Map<string, string>()
  const kept = keptClient(hotClient(name), texts)
  return evidenceOf([{ ...kept, ...change(kept, texts) }], texts)
}

/** What was found, apart from counts that a world of one client leaves at zero. */
function found(invariant: Invariant, evidence: Evidence): readonly string[] {
  return invariant(evidence).violations.filter((violation) => !violation.startsWith('nothing was checked'))
}

function failed(at: number, status: number): OriginRequest {
  return { at, status }
}

function answered(from: number, answer: Partial<ResolveAnswer>): ResolveAnswer {
  return { from, until: from + 1, tenant: 0, kind: 'ready', freshness: 'fresh', ...answer }
}

/** The evidence with one more request, in its place. */
function asked(kept: ClientEvidence, ...requests: readonly OriginRequest[]): readonly OriginRequest[] {
  return [...kept.requests, ...requests].toSorted((a, b) => a.at - b.at)
}

/** All that was asked before an instant. */
function until(kept: ClientEvidence, at: number): readonly OriginRequest[] {
  return kept.requests.filter((request) => request.at < at)
}

describe('the checks of a simulated month', () => {
  it('find nothing where all was kept, and say what they looked at', () => {
    const evidence = world('CDN with Age')
    for (const invariant of [
      ageIsBounded,
      noVersionIsLost,
      removedRedirectsEnd,
      withdrawnEnd,
      hostsArePaced,
    ]) {
      expect(found(invariant, evidence)).toEqual([])
    }
    expect(ageIsBounded(evidence).checked).toMatchObject({ 'rows in use': 1, 'stale answers': 0 })
  })

  it('take a check of nothing for a violation', () => {
    const { violations }: Finding = withdrawnEnd(world('CDN with Age'))
    expect(violations).toContain('nothing was checked: no withdrawals')
  })

  it('find a row that is older than its bound without a reason, and only without (CAC-03)', () => {
    const aged = (reason: string | undefined) =>
      world('CDN with Age', ({ states }) => ({
        states: states.map((state) => ({ ...state, validatedAt: state.at - 2 * DAY, reason })),
      }))
    expect(found(ageIsBounded, aged(undefined))).toHaveLength(1)
    expect(found(ageIsBounded, aged('status_5xx'))).toEqual([])
  })

  it('find an answer that calls fresh what was confirmed too long ago', () => {
    const evidence = world('CDN with Age', (kept) => ({ requests: until(kept, DAY) }))
    expect(found(ageIsBounded, evidence).length).toBeGreaterThan(10)
  })

  it('find too few fetches, and too many', () => {
    const sparse = manyOf('etag, two hours', ({ requests }) => requests.filter((_, index) => index % 2 === 0))
    const doubled = manyOf('etag, two hours', ({ requests }) =>
      requests.flatMap((one) => [one, { ...one, at: one.at + MINUTE }]),
    )
    expect(found(fetchesFollowTheFormula, sparse)).toHaveLength(1)
    expect(found(fetchesFollowTheFormula, doubled)).toHaveLength(1)
  })

  it('find a host that is asked beyond its pace, unless users demanded it (FET-23)', () => {
    const burst = Array.from({ length: 100 }, (_, nth) => DAY + nth / 2)
    const requests = (kept: ClientEvidence, texts: Map<string, string>) =>
      asked(kept, ...burst.map((at) => servedAt(kept.client, at, texts)))
    const rushed = world('one host', (kept, texts) => ({ requests: requests(kept, texts) }))
    expect(found(hostsArePaced, rushed).length).toBeGreaterThan(0)
    const demanded = world('one host', (kept, texts) => ({
      requests: requests(kept, texts),
      answers: burst.map((from) => answered(from, {})),
    }))
    expect(found(hostsArePaced, demanded)).toEqual([])
  })

  it('find a version that is missing, and a current one that has vanished (CAC-07)', () => {
    expect(
      found(
        noVersionIsLost,
        world(ORDINARY, () => ({ versions: new Set() })),
      ).length,
    ).toBeGreaterThan(0)
    const vanished = world('CDN with Age', ({ states }) => ({
      states: states.map((state) => ({ ...state, digest: undefined })),
    }))
    expect(found(noVersionIsLost, vanished)).toHaveLength(1)
  })

  it('find a change that nobody was told of, or twice (CHG-07)', () => {
    const silent = world('rotates keys')
    expect(found(changesAreOneEvent, silent).length).toBeGreaterThan(0)
    expect(found(changesAreOneEvent, toldTimes(1))).toEqual([])
    expect(found(changesAreOneEvent, toldTimes(2)).length).toBeGreaterThan(0)
  })

  it.each<[string, readonly HeardEvent['type'][], boolean]>([
    ['that is stale twice', ['client.stale', 'client.stale'], false],
    ['that is stale once it is withdrawn', ['client.withdrawn', 'client.stale'], false],
    ['that recovers twice', ['client.stale', 'client.recovered', 'client.recovered'], false],
    ['that recovers from nothing', ['client.recovered'], false],
    ['not one in turn', ['client.stale', 'client.withdrawn', 'client.recovered', 'client.stale'], true],
  ])('find a client %s (CAC-13, CAC-14)', (_, types, isKept) => {
    expect(found(changesAreOneEvent, heardOf(types, 5 * MINUTE))).toHaveLength(isKept ? 0 : 1)
  })

  it('leave a client be that recovers from what a tenant came too late to hear', () => {
    expect(found(changesAreOneEvent, heardOf(['client.recovered'], -5 * MINUTE))).toEqual([])
    expect(found(changesAreOneEvent, heardOf(['client.recovered', 'client.recovered'], -1))).toHaveLength(1)
  })

  it('find a withdrawn client that is answered after 15 minutes, also when 503 comes in between (CAC-14)', () => {
    const goneAt = DAY
    const gone = [failed(goneAt, 404), failed(goneAt + 5 * MINUTE, 503), failed(goneAt + 10 * MINUTE, 503)]
    const lateAnswer = (minutes: number) =>
      world('CDN with Age', (kept) => ({
        requests: [...until(kept, goneAt), ...gone],
        answers: [answered(goneAt + minutes * MINUTE, { freshness: 'stale', why: 'status_404' })],
      }))
    expect(found(withdrawnEnd, lateAnswer(14))).toEqual([])
    expect(found(withdrawnEnd, lateAnswer(16))).toHaveLength(1)
  })

  it('find a client that is never announced to who came first, not to who came meanwhile', () => {
    const silent = (from: number, until: number) =>
      world(ORDINARY, () => ({ answers: [answered(from, { until })], heard: [[], []] }))
    const { beginsAt } = hotClient(ORDINARY)
    expect(found(changesAreOneEvent, silent(beginsAt - 10, beginsAt - 5)).join()).toContain(
      'discovered 0 times',
    )
    expect(found(changesAreOneEvent, silent(beginsAt - 1, beginsAt + 1)).join()).not.toContain('discovered')
    expect(found(changesAreOneEvent, silent(beginsAt + 1, beginsAt + 2)).join()).not.toContain('discovered')
  })

  it('find a removed redirect URI that matches (CHG-08)', () => {
    const matches = (uri: string) =>
      world('redirects come and go', ({ client }) => ({
        answers: [answered(2 * DAY, { redirect: { uri: `https://${client.host}${uri}`, matched: true } })],
      }))
    expect(found(removedRedirectsEnd, matches('/callback'))).toEqual([])
    expect(found(removedRedirectsEnd, matches('/guest/77'))).toHaveLength(1)
  })

  it.each([
    ['before', HOUR],
    ['for this very answer', 3 * HOUR + 0.5],
  ])(
    'leave a removed redirect URI be where a fault of ours refused the document without it %s',
    (_, refusedAfter) => {
      const { client } = world('redirects come and go').clients[0] ?? {}
      if (client === undefined) throw new Error('no client')
      const texts = new Map<string, string>()
      const at = removalOf(client)
      const requests: OriginRequest[] = [
        servedAt(client, at - MINUTE, texts),
        { at: at + refusedAfter, status: 200, refusedByFault: true },
      ]
      const redirect = { uri: lastGuest(client, at) ?? '', matched: true }
      const answers = [answered(at + 3 * HOUR, { redirect })]
      const whole = evidenceOf([{ ...keptClient(client, texts), requests, answers }], texts)
      const during = { ...whole.fault, from: at, until: at + 2.9 * HOUR, releasedAt: at + 3.5 * HOUR }
      expect(found(removedRedirectsEnd, { ...whole, fault: during })).toEqual([])
      expect(found(removedRedirectsEnd, whole)).toEqual([expect.stringContaining('removed more than')])
    },
  )

  it('find a user who is locked out by one failed refresh, not by two (CAC-04)', () => {
    const lockedOut = (...failures: readonly OriginRequest[]) =>
      world('CDN with Age', (kept) => ({
        requests: [...until(kept, DAY), ...failures],
        answers: [answered(DAY + HOUR / 2, { kind: 'problem', code: 'status_5xx' })],
      }))
    expect(found(oneFailureLocksNobodyOut, lockedOut(failed(DAY, 503)))).toHaveLength(1)
    expect(found(oneFailureLocksNobodyOut, lockedOut(failed(DAY, 503), failed(DAY + 60, 503)))).toEqual([])
  })

  it('find a client that a fault of ours ends, and a brake that nothing engages', () => {
    const hit = (change: (kept: ClientEvidence, at: number) => Partial<ClientEvidence>) =>
      world('CDN with Age', (kept, texts) => {
        const at = DAY + 10 * HOUR + MINUTE
        const refused = { ...servedAt(kept.client, at, texts), refusedByFault: true } as const
        return { requests: asked(kept, refused), ...change(kept, at) }
      })
    const whole = hit(() => ({}))
    expect(found(faultTripsTheBrake, whole)).toEqual([])
    const lost = hit((_, at) => ({ answers: [answered(at + HOUR, { kind: 'problem' })] }))
    expect(found(faultTripsTheBrake, lost)).toHaveLength(1)
    const announced = hit((_, at) => ({
      heard: [[{ position: 1, type: 'client.withdrawn', at: at + HOUR, data: {} }], []],
    }))
    expect(found(faultTripsTheBrake, announced)).toHaveLength(1)
    const unknown = hit((_, at) => ({
      requests: [{ at, status: 200, refusedByFault: true }],
      answers: [answered(at + HOUR, { kind: 'problem' })],
    }))
    expect(found(faultTripsTheBrake, unknown)).toEqual([])
    const idle = { ...whole, fault: { ...whole.fault, engagedAt: undefined } }
    expect(found(faultTripsTheBrake, idle)).toContain('the brake was never engaged')
  })
})

/** When the document of a client first lost a redirect URI. */
function removalOf(client: Client): number {
  const listed = (at: number): number => JSON.parse(documentAt(client, at).text).redirect_uris.length
  for (let at = MINUTE; at < 30 * DAY; at += MINUTE) if (listed(at) < listed(at - MINUTE)) return at
  throw new Error(`${client.clientId} never loses one`)
}

/** Enough clients of a kind for the formula to be held against. */
function manyOf(name: KindName, change: (kept: ClientEvidence) => readonly OriginRequest[]): Evidence {
  const texts = new Map<string, string>()
  const clients = populate({ seed: 1, clients: 1000, days: 3, canaries: 4 })
    .filter(({ kindName, hot }) => kindName === name && hot)
    .map((client) => keptClient(client, texts))
  return evidenceOf(
    clients.map((kept) => ({ ...kept, requests: change(kept) })),
    texts,
  )
}

/** A tenant that came when the document was known, and what it heard; a request fails so long after that. */
function heardOf(types: readonly HeardEvent['type'][], failsAfter: number): Evidence {
  return world(ORDINARY, ({ client, requests }) => {
    const from = client.beginsAt + HOUR
    const heard = types.map((type, position) => ({ position, type, at: from + position, data: {} }))
    return {
      requests: [...requests.slice(0, 1), failed(from + failsAfter, 503)],
      ...{ answers: [answered(from, {})], heard: [heard, []] },
    }
  })
}

/** Every change of the keys of a client told so many times. */
function toldTimes(times: number): Evidence {
  return world('rotates keys', ({ client, requests }) => {
    const heard = requests.flatMap(({ at, digest: to }, index) => {
      const before = requests[index - 1]?.digest
      if (before === undefined || before === to) return []
      const data = { from_digest: before, to_digest: to }
      const types = ['client.metadata_changed', 'client.keys_changed'] as const
      return Array.from({ length: times }, () =>
        types.map((type) => ({ position: index, type, at, data })),
      ).flat()
    })
    const discovered = { position: 0, type: 'client.discovered', at: client.beginsAt, data: {} } as const
    const begun = answered(client.beginsAt - 1, {})
    return { answers: [begun], heard: [[discovered, ...heard], []] }
  })
}

describe('the queue of a simulated month', () => {
  it.each([0, 1, 2, 3, 4, 5])('runs what comes %d turns after the last job has ended', async (turns) => {
    const ran: string[] = []
    const jobs = createJobs(async (_, client) => {
      ran.push(client)
      if (client === 'first') void comeLater()
    }, 2)
    const later = Promise.withResolvers<void>()
    const comeLater = async (): Promise<void> => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      await jobs.enqueue('refresh', ['second'])
      later.resolve()
    }
    await jobs.enqueue('fetch', ['first'])
    await later.promise
    await jobs.idle()
    expect(ran).toEqual(['first', 'second'])
  })

  it('tells of a job that failed, whenever it is asked', async () => {
    const jobs = createJobs(async () => Promise.reject(new Error('a fault of ours')), 2)
    await jobs.enqueue('fetch', ['one'])
    await expect(jobs.idle()).rejects.toThrow('a fault of ours')
    await expect(jobs.idle()).rejects.toThrow('a fault of ours')
  })
})

describe('the scripted month', () => {
  const settings = { seed: 1, clients: 1000, days: 3, canaries: 4 }

  it('has as many clients of each kind as its share says, a tenth of them hot', () => {
    const clients = populate(settings)
    expect(Object.values(KINDS).reduce((sum, { share }) => sum + share, 0)).toBe(1000)
    expect(clients).toHaveLength(1000)
    expect(clients.filter(({ hot }) => hot)).toHaveLength(100)
  })

  it('is the same for the same seed, and another for another', () => {
    const uses = (seed: number) =>
      populate({ ...settings, seed })
        .slice(0, 30)
        .flatMap((client) => [...usesOf(client, DAY)])
    expect(uses(1)).toEqual(uses(1))
    expect(uses(1)).not.toEqual(uses(2))
  })

  it('lets origins fail as they are said to', () => {
    const instants = Array.from({ length: 3 * 24 * 60 }, (_, minute) => minute * MINUTE)
    const troubles = (name: KindName) => {
      const client = hotClient(name)
      return instants.map((at) => troubleAt(client, at, settings))
    }
    expect(new Set(troubles(ORDINARY))).toEqual(new Set([undefined]))
    expect(troubles('withdrawn').at(-1)).toBe('gone')
    const outage = troubles('outages').filter((trouble) => trouble === 'unreachable').length
    expect(outage).toBeGreaterThanOrEqual(60)
    expect(outage).toBeLessThanOrEqual(600)
  })
})

describe(settingsFrom, () => {
  it('takes days, clients and a seed, and refuses what is no number', () => {
    expect(settingsFrom([])).toEqual({ days: 30, clients: 5000, seed: 1, canaries: 4 })
    expect(settingsFrom(['--days', '3'])).toMatchObject({ days: 3 })
    expect(settingsFrom(['--help'])).toBeUndefined()
    expect(() => settingsFrom(['--days', 'many'])).toThrow('--days many is not a whole number')
  })
})
