import {
  type ClientStanding,
  type FetchResult,
  judgeKeySet,
  type KeySet,
  NO_KEYS,
  UNKNOWN_STANDING,
} from '@cimd/core'
import type { ResourceClaim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { answerWith, at, EVIDENCE, finishedAt, unfetchedKeys as stranger } from './claims.fixture.ts'
import { evaluateResource, type Held, resourceValidators } from './evaluate-resource.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const bytesOf = (text: string) => new TextEncoder().encode(text)

function keySetWith(x: string): KeySet {
  const keys = [{ kty: 'EC', crv: 'P-256', x: x.repeat(43), y: x.repeat(43) }]
  const judged = judgeKeySet(bytesOf(JSON.stringify({ keys })))
  if (!judged.ok) throw new Error(judged.code)
  return judged.keySet
}
const [A, B] = [keySetWith('A'), keySetWith('B')]
const printsOf = ({ keys }: KeySet) => keys.map(({ thumbprint }) => thumbprint)

const standing: ClientStanding = {
  ...UNKNOWN_STANDING,
  state: 'valid',
  digest: A.digest,
  validatedAt: at(-HOUR),
  freshUntil: at(-1),
  revalidateUntil: at(-1),
  usableUntil: at(HOUR),
}
const known: ResourceClaim = {
  ...stranger,
  standing,
  body: bytesOf(A.text),
  validators: { etag: '"1"', lastModified: 'then' },
}
const gone: ResourceClaim = {
  ...known,
  standing: {
    ...standing,
    state: 'withdrawn',
    failure: { code: 'status_404', since: at(-HOUR) },
    withdrawing: { code: 'status_404', since: at(-HOUR) },
  },
}

const headers = { etag: ['"2"'], 'cache-control': ['max-age=7200'] }
const fetched = answerWith(bytesOf(''), { headers })
const unchanged = {
  kind: 'not_modified',
  headers: { ...headers, etag: ['"1"'], 'last-modified': ['now'] },
  evidence: EVIDENCE,
} as const satisfies FetchResult
const failed = (code: 'status_404' | 'status_5xx'): FetchResult => ({
  ...{ kind: 'failed', code, detail: 'told', evidence: EVIDENCE },
})
const keys = (keySet: KeySet): Held => ({ kind: 'keys', keySet })
const evaluate = (claim: ResourceClaim, result: FetchResult, held?: Held) =>
  evaluateResource(claim, { result, ...(held && { held }) }, finishedAt, 0)
const keysChangedBy = (from: KeySet | undefined, to: KeySet) => [
  {
    type: 'client.keys_changed',
    data: {
      source: 'jwks_uri',
      ...(from && { from_digest: from.digest }),
      to_digest: to.digest,
      added: printsOf(to),
      removed: from ? printsOf(from) : [],
    },
  },
]

describe('evaluateResource of a key set', () => {
  it('records usable keys in canonical form with the freshness of the response, and announces them', () => {
    const record = evaluate(stranger, fetched, keys(A))
    expect(record).toMatchObject({
      standing: { state: 'valid', digest: A.digest, freshUntil: at(2 * HOUR) },
      nextAttemptAt: at(2 * HOUR * 0.95),
      body: bytesOf(A.text),
      validators: { etag: '"2"' },
      cacheHeaders: headers,
      events: keysChangedBy(undefined, A),
    })
    expect(record).not.toHaveProperty('failure')
  })

  it('CHG-03: announces a rotation once, with what came and what went', () => {
    expect(evaluate(known, fetched, keys(B)).events).toEqual(keysChangedBy(A, B))
    expect(evaluate(known, fetched, keys(A)).events).toEqual([])
  })

  it('FET-06: lets a 304 confirm the stored keys', () => {
    const record = evaluate(known, unchanged)
    expect(record).toMatchObject({
      standing: { state: 'valid', digest: A.digest, freshUntil: at(2 * HOUR) },
      validators: { etag: '"1"', lastModified: 'now' },
      events: [],
    })
    expect(record).not.toHaveProperty('body')
  })

  it('CAC-12: joins the headers of a 304 with those stored', () => {
    const cacheHeaders = { 'cache-control': ['max-age=7200'], date: [at(-7200).toUTCString()] }
    const record = evaluate({ ...known, cacheHeaders }, { ...unchanged, headers: { vary: ['accept'] } })
    expect(record.standing.freshUntil).toEqual(at(2 * HOUR))
    expect(record.cacheHeaders).toEqual({ 'cache-control': ['max-age=7200'], vary: ['accept'] })
  })

  it('refuses a 304 that nothing was stored for', () => {
    expect(() => evaluate(stranger, unchanged)).toThrow('egress must refuse it')
  })

  it('CAC-07: takes a failed fetch for no rotation', () => {
    const record = evaluate(known, failed('status_5xx'))
    expect(record).toMatchObject({
      standing: { state: 'failing', digest: A.digest },
      failure: { code: 'status_5xx', detail: 'told' },
      events: [],
    })
    expect(record).not.toHaveProperty('body')
    expect(record).not.toHaveProperty('validators')
  })

  it('KEY-08: records a set that is refused as a failure of its own class', () => {
    const held = { kind: 'unusable', code: 'key_set_secret', detail: 'at /keys/0' } as const
    expect(evaluate(known, fetched, held)).toMatchObject({
      standing: { state: 'failing', withdrawing: { code: 'key_set_secret' } },
      failure: { code: 'key_set_secret', detail: 'at /keys/0' },
      events: [],
    })
  })

  it('CAC-14, CHG-08: announces that no key counts once the grace of a 404 has ended', () => {
    const withdrawing = { code: 'status_404', since: at(-15 * MINUTE) } as const
    const ending = { ...known, standing: { ...standing, failure: withdrawing, withdrawing } }
    const record = evaluate(ending, failed('status_404'))
    expect(record.standing.state).toBe('withdrawn')
    expect(record.events).toEqual(keysChangedBy(A, NO_KEYS))
  })

  it('announces the keys again when they are back, and nothing while they stay away', () => {
    expect(evaluate(gone, failed('status_404')).events).toEqual([])
    expect(evaluate(gone, unchanged).events).toEqual(keysChangedBy(NO_KEYS, A))
    expect(evaluate(gone, fetched, keys(B)).events).toEqual(keysChangedBy(NO_KEYS, B))
  })

  it.each([
    ['a minute after the first failure', undefined, MINUTE],
    ['as long again as it has failed', HOUR, HOUR],
    ['a day at most', 72 * HOUR, 24 * HOUR],
  ])('asks for one that never was there %s', (_, failedForSeconds, waitSeconds) => {
    const failure =
      failedForSeconds === undefined
        ? undefined
        : ({ code: 'status_404', since: at(-failedForSeconds) } as const)
    const claim = { ...stranger, standing: { ...UNKNOWN_STANDING, failure } }
    expect(evaluate(claim, failed('status_404')).nextAttemptAt).toEqual(at(waitSeconds))
  })

  it.each([
    ['as its publisher asks', 'status_5xx', 20 * MINUTE, 20 * MINUTE],
    ['within the bounds of its class', 'status_404', 20 * MINUTE, 5 * MINUTE],
    ['no sooner than without', 'status_5xx', 1, MINUTE],
  ] as const)(
    'FET-23: leaves one that never was there alone %s',
    (_, code, retryAfterSeconds, waitSeconds) => {
      const record = evaluate(stranger, { ...failed(code), retryAfterSeconds } as FetchResult)
      expect(record.nextAttemptAt).toEqual(at(waitSeconds))
    },
  )
})

describe('evaluateResource of a logo', () => {
  const [first, second] = ['1'.repeat(64), '2'.repeat(64)]
  const logo = (claim: ResourceClaim): ResourceClaim => ({
    ...claim,
    kind: 'logo',
    body: undefined,
    standing: claim.standing.digest === undefined ? claim.standing : { ...claim.standing, digest: first },
  })
  const image = (digest: string): Held => ({ kind: 'image', digest })

  it.each<[string, ResourceClaim, FetchResult, Held | undefined, object[]]>([
    ['a first image', stranger, fetched, image(first), [{ to_digest: first }]],
    ['another image', known, fetched, image(second), [{ from_digest: first, to_digest: second }]],
    ['the same image', known, fetched, image(first), []],
    ['the same image by a 304', known, unchanged, undefined, []],
    ['an outage', known, failed('status_5xx'), undefined, []],
    ['an image that is back', gone, fetched, image(first), [{ to_digest: first }]],
  ])('UI-04: announces of %s what is shown now', (_, claim, result, held, data) => {
    const { events } = evaluate(logo(claim), result, held)
    expect(events).toEqual(data.map((each) => ({ type: 'client.logo_changed', data: each })))
  })
})

describe('resourceValidators', () => {
  it('CAC-12: sends those of what is stored, unless somebody waits for what is there now', () => {
    expect(resourceValidators(known)).toEqual({ etag: '"1"', lastModified: 'then' })
    expect(resourceValidators({ ...known, urgent: true })).toEqual({})
    expect(resourceValidators({ ...known, standing: UNKNOWN_STANDING })).toEqual({})
  })
})
