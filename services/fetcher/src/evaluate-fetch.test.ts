import {
  type CacheHeaders,
  type ClientStanding,
  type FetchResult,
  RULES_VERSION,
  sha256Hex,
} from '@cimd/core'
import type { Claim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import {
  answerWith,
  at,
  bytesOf,
  clientId,
  EVIDENCE,
  finishedAt,
  stranger,
  versionOf,
} from './claims.fixture.ts'
import { evaluateFetch, usableValidators } from './evaluate-fetch.ts'

const published = { client_id: clientId, client_name: 'A', redirect_uris: ['https://app.example.com/cb'] }
const body = bytesOf(published)
const digest = sha256Hex(body)
const evidence = EVIDENCE

const standing: ClientStanding = {
  state: 'valid',
  digest,
  validatedAt: at(-3600),
  freshUntil: at(0),
  revalidateUntil: at(600),
  staleForbidden: false,
  staleIfErrorSeconds: undefined,
  usableUntil: at(86_400),
  failure: undefined,
  withdrawing: undefined,
  retryAt: undefined,
  staleAnnounced: undefined,
  quarantine: undefined,
}
const version = versionOf(body)
const known: Claim = { ...stranger, standing, version, validators: { etag: '"1"', lastModified: 'then' } }

const served = (given: Partial<Extract<FetchResult, { kind: 'fetched' }>> = {}): FetchResult =>
  answerWith(body, given)
const unchanged = (headers: CacheHeaders = {}): FetchResult => ({ kind: 'not_modified', headers, evidence })
const evaluate = (claim: Claim, result: FetchResult) => evaluateFetch(claim, result, finishedAt, 0.5)

describe('evaluateFetch of a first document', () => {
  it('records bytes, digest, type and rules as a version, and the discovery (CHG-09)', () => {
    expect(evaluate(stranger, served({ headers: { etag: ['"2"'], 'last-modified': ['now'] } }))).toEqual({
      claim: stranger,
      examined: true,
      finishedAt,
      outcome: 'fetched',
      evidence,
      standing: {
        ...standing,
        validatedAt: finishedAt,
        freshUntil: at(3600),
        revalidateUntil: at(4200),
        usableUntil: at(3600 + 86_400),
      },
      nextAttemptAt: at(3600 * 0.9),
      events: [{ type: 'client.discovered', data: { digest } }],
      resources: [],
      newVersion: { body, digest, contentType: 'application/json', rulesVersion: RULES_VERSION },
      validators: { etag: '"2"', lastModified: 'now' },
      cacheHeaders: { etag: ['"2"'], 'last-modified': ['now'] },
      audited: expect.objectContaining({ resource: 'document', outcome: 'fetched', digest }),
    })
  })

  it('takes freshness from the response, and its delay off the lifetime (CAC-02, CAC-09)', () => {
    const slow = { ...evidence, times: { totalMs: 4000 } }
    const headers = { 'cache-control': ['max-age=7200'], age: ['100'] }
    const { standing } = evaluate(stranger, served({ headers, evidence: slow }))
    expect(standing.freshUntil).toEqual(at(7200 - 104))
  })

  it.each<[string, unknown, string]>([
    ['another client_id', { ...published, client_id: 'https://evil.example/c' }, 'client_id_mismatch'],
    ['a secret', { ...published, client_secret: 'x' }, 'forbidden_member'],
    ['no object', [], 'json_not_object'],
  ])('records one with %s as a failed attempt without a version (CAC-05)', (_, document, code) => {
    const record = evaluate(stranger, served({ body: bytesOf(document), headers: { etag: ['"2"'] } }))
    expect(record).toMatchObject({
      outcome: 'failed',
      failure: { code },
      events: [],
      nextAttemptAt: undefined,
    })
    expect(record.failure?.detail).not.toBe('')
    expect(record).not.toHaveProperty('newVersion')
    expect(record).not.toHaveProperty('validators')
  })

  it('names every violation for the developer (ARC-09)', () => {
    const wrong = { ...published, client_secret: 'x', client_name: 1 }
    const { failure } = evaluate(stranger, served({ body: bytesOf(wrong) }))
    expect(failure?.detail).toMatch(/^client_secret: .*; client_name: /)
  })
})

describe('evaluateFetch of a known client', () => {
  it('records no version for the same bytes', () => {
    const record = evaluate(known, served())
    expect(record).toMatchObject({ outcome: 'fetched', events: [], validators: {} })
    expect(record).not.toHaveProperty('newVersion')
    expect(record.standing.validatedAt).toEqual(finishedAt)
  })

  it('records a changed document as a version, and what changed (CHG-07)', () => {
    const changed = bytesOf({ ...published, client_name: 'B' })
    const record = evaluate(known, served({ body: changed }))
    expect(record.newVersion).toMatchObject({ body: changed, digest: sha256Hex(changed) })
    expect(record.events).toEqual([
      {
        type: 'client.metadata_changed',
        data: {
          from_digest: digest,
          to_digest: sha256Hex(changed),
          classes: ['display'],
          changes: [{ member: 'client_name', class: 'display', before: 'A', after: 'B' }],
        },
      },
    ])
  })

  it('records other bytes of the same document as a version without an event (CHG-07)', () => {
    const spaced = new TextEncoder().encode(JSON.stringify(published, null, 2))
    const record = evaluate(known, served({ body: spaced }))
    expect(record.newVersion?.digest).toBe(sha256Hex(spaced))
    expect(record.events).toEqual([])
  })

  it.each<[string, Claim, FetchResult]>([
    ['they are served as plain text now (FET-08)', known, served({ contentType: 'text/plain' })],
    [
      'they were judged by older rules (CAC-12)',
      { ...known, version: { ...version, rulesVersion: RULES_VERSION - 1 } },
      served(),
    ],
  ])('records the same bytes as a version when %s', (_, claim, result) => {
    expect(evaluate(claim, result)).toMatchObject({ newVersion: { digest }, events: [] })
  })

  it('records no version for another spelling of the same type', () => {
    const record = evaluate(known, served({ contentType: 'Application/JSON; charset=utf-8' }))
    expect(record).not.toHaveProperty('newVersion')
  })

  it('announces no changes from bytes that no rules allow', () => {
    const old = {
      ...version,
      body: bytesOf({ ...published, client_secret: 'x' }),
      rulesVersion: RULES_VERSION - 1,
    }
    const record = evaluate({ ...known, version: old }, served())
    expect(record).toMatchObject({ newVersion: { digest }, events: [] })
  })

  it('forgets validators that the response no longer has', () => {
    expect(evaluate(known, served({ headers: { etag: ['"2"'] } })).validators).toEqual({ etag: '"2"' })
  })

  it('keeps the version and its validators through a failure (CAC-07)', () => {
    const result: FetchResult = { kind: 'failed', code: 'status_5xx', detail: '503', evidence }
    const record = evaluate(known, result)
    expect(record).toMatchObject({
      outcome: 'failed',
      failure: { code: 'status_5xx', detail: '503' },
      standing: { state: 'failing', digest },
    })
    expect(record).not.toHaveProperty('newVersion')
    expect(record).not.toHaveProperty('validators')
  })

  it('keeps the version through an invalid document (CAC-05, CAC-07)', () => {
    const record = evaluate(known, served({ body: bytesOf({}), headers: { etag: ['"2"'] } }))
    expect(record).toMatchObject({ outcome: 'failed', standing: { state: 'failing', digest } })
    expect(record).not.toHaveProperty('newVersion')
    expect(record).not.toHaveProperty('validators')
  })

  it('ends nothing while the brake is engaged', () => {
    const since = at(-1800)
    const withdrawing: ClientStanding = {
      ...standing,
      ...{ state: 'failing', usableUntil: at(-900) },
      ...{ failure: { code: 'status_404', since }, withdrawing: { code: 'status_404', since } },
      staleAnnounced: 'status_404',
    }
    const failed = { kind: 'failed', code: 'status_404', detail: '404', evidence } as const
    const judge = (heldFrom: Date | undefined) =>
      evaluate({ ...known, standing: withdrawing, brake: heldFrom && { heldFrom } }, failed)
    expect(judge(at(-3600))).toMatchObject({ standing: { state: 'failing' }, events: [] })
    expect(judge(undefined)).toMatchObject({
      standing: { state: 'withdrawn' },
      events: [{ type: 'client.withdrawn' }],
    })
  })

  it('waits as long as the origin asks', () => {
    const failed = { kind: 'failed', code: 'status_429', detail: '429', evidence } as const
    expect(evaluate(known, { ...failed, retryAfterSeconds: 600 }).nextAttemptAt).toEqual(at(600))
    expect(evaluate(known, failed).nextAttemptAt).toEqual(at(60))
  })
})

describe('evaluateFetch of a 304 (FET-06)', () => {
  it('confirms the stored version with the freshness of the new response', () => {
    const record = evaluate(known, unchanged({ 'cache-control': ['max-age=7200'] }))
    expect(record).toMatchObject({ outcome: 'not_modified', events: [], nextAttemptAt: at(7200 * 0.9) })
    expect(record.standing).toMatchObject({ digest, validatedAt: finishedAt, freshUntil: at(7200) })
    expect(record).not.toHaveProperty('newVersion')
  })

  it('updates the validators it names and keeps the others (CAC-12)', () => {
    const { validators } = evaluate(known, unchanged({ 'last-modified': ['now'] }))
    expect(validators).toEqual({ etag: '"1"', lastModified: 'now' })
  })

  it('joins its headers with those stored: without Cache-Control the lifetime stays (CAC-12)', () => {
    const cacheHeaders = { 'cache-control': ['max-age=7200'], age: ['500'], date: [at(-7200).toUTCString()] }
    const record = evaluate({ ...known, cacheHeaders }, unchanged({ vary: ['accept'] }))
    expect(record.standing.freshUntil).toEqual(at(7200))
    expect(record.cacheHeaders).toEqual({ 'cache-control': ['max-age=7200'], vary: ['accept'] })
  })

  it('is followed by an unconditional refresh if it is of another response (CAC-12)', () => {
    expect(evaluate(known, unchanged({ etag: ['"2"'] })).validators).toEqual({})
  })

  it('is a bug of ours where there is no version to confirm', () => {
    expect(() => evaluate(stranger, unchanged())).toThrow('304')
  })
})

describe('evaluateFetch while newer rules refuse the current version (CAC-12)', () => {
  // What the present rules refuse stands for what the next ones will.
  const refused = bytesOf({ ...published, token_endpoint_auth_method: 'client_secret_basic' })
  const stored = { ...version, body: refused, digest: sha256Hex(refused), rulesVersion: RULES_VERSION - 1 }
  const claim: Claim = {
    ...{ ...known, standing: { ...standing, digest: stored.digest } },
    ...{ version: stored, rulesApproved: RULES_VERSION - 1 },
  }

  it('takes the same bytes as valid until the rules are approved, and records no version', () => {
    const record = evaluate(claim, served({ body: refused }))
    expect(record).toMatchObject({
      outcome: 'fetched',
      standing: { state: 'valid', digest: stored.digest },
      events: [],
      resources: [],
    })
    expect(record).not.toHaveProperty('newVersion')
  })

  it('keeps the rules they were stored under where they are served otherwise now', () => {
    const record = evaluate(claim, served({ body: refused, contentType: 'text/plain' }))
    expect(record.newVersion).toMatchObject({ contentType: 'text/plain', rulesVersion: RULES_VERSION - 1 })
  })

  it.each<[string, Claim, Uint8Array]>([
    ['once the rules are approved', { ...claim, rulesApproved: RULES_VERSION }, refused],
    ['of other bytes', claim, bytesOf({ ...JSON.parse(new TextDecoder().decode(refused)), x: 1 })],
    [
      'of bytes that these very rules had allowed',
      { ...claim, version: { ...stored, rulesVersion: RULES_VERSION } },
      refused,
    ],
  ])('takes it as the publisher’s word %s (CAC-14)', (_, given, body) => {
    expect(evaluate(given, served({ body }))).toMatchObject({
      failure: { code: 'symmetric_method' },
      standing: { withdrawing: { code: 'symmetric_method' } },
    })
  })

  it('takes a secret as that at once, whatever the bytes were stored under (DOC-05)', () => {
    const secret = bytesOf({ ...published, client_secret: 'x' })
    const leaked = { ...claim, version: { ...stored, body: secret, digest: sha256Hex(secret) } }
    expect(evaluate(leaked, served({ body: secret }))).toMatchObject({
      failure: { code: 'forbidden_member' },
    })
  })

  it('announces what a mended document changed (CHG-07)', () => {
    const record = evaluate(claim, served())
    expect(record).toMatchObject({ newVersion: { digest, rulesVersion: RULES_VERSION } })
    expect(record.events).toMatchObject([
      {
        type: 'client.metadata_changed',
        data: { changes: [{ member: 'token_endpoint_auth_method', before: 'client_secret_basic' }] },
      },
    ])
  })
})

describe('usableValidators', () => {
  it.each<[string, Claim, object]>([
    ['those of the current version', known, known.validators],
    ['none without a version (FET-06)', { ...known, version: undefined }, {}],
    ['none in a forced refresh (FET-06)', { ...known, forced: true }, {}],
    [
      'none under other rules (CAC-12)',
      { ...known, version: { ...version, rulesVersion: RULES_VERSION - 1 } },
      {},
    ],
    [
      'none of plain text, which only a whole answer can show to be JSON now (FET-08)',
      { ...known, version: { ...version, contentType: 'text/plain; charset=utf-8' } },
      {},
    ],
  ])('are %s', (_, claim, expected) => {
    expect(usableValidators(claim)).toEqual(expected)
  })
})
