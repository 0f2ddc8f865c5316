import { type FetchEvidence, type FetchResult, sha256Hex, UNKNOWN_STANDING } from '@cimd/core'
import type { Claim, ResourceClaim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { answerWith, bytesOf, clientId, EVIDENCE, finishedAt, stranger, versionOf } from './claims.fixture.ts'
import { evaluateFetch } from './evaluate-fetch.ts'
import { evaluateResource } from './evaluate-resource.ts'

const PUBLIC = {
  dialledAddress: '192.0.2.1',
  dialledClass: 'public',
  contentType: 'application/json',
  certificateSha256: 'a'.repeat(64),
} as const
const published = { client_id: clientId, client_name: 'App', redirect_uris: ['https://app.example.com/cb'] }
const body = bytesOf(published)
const digest = sha256Hex(body)
const evidence: FetchEvidence = { ...EVIDENCE, ...PUBLIC }
const unchanged: FetchResult = { kind: 'not_modified', headers: {}, evidence }
const failed = (code: 'status_5xx' | 'address_blocked'): FetchResult => ({
  ...{ kind: 'failed', code, detail: 'as it was', evidence },
})

const audited = (claim: Claim, result: FetchResult) => evaluateFetch(claim, result, finishedAt, 0.5).audited

/** The claim of a client whose document was fetched before. */
function known(): Claim {
  const { standing } = evaluateFetch(stranger, answerWith(body, { evidence }), finishedAt, 0.5)
  return { ...stranger, standing, version: versionOf(body), validators: { etag: '"1"' } }
}

describe('what the audit is told of an attempt on a document', () => {
  it('where it came from, what it says, and until when it is fresh', () => {
    expect(audited(stranger, answerWith(body, { evidence }))).toMatchObject({
      ...{ resource: 'document', outcome: 'fetched', address: '192.0.2.1', address_class: 'public' },
      ...{ certificate_sha256: 'a'.repeat(64), content_type: 'application/json', digest },
      ...{ redirect_uris: ['https://app.example.com/cb'], display: { client_name: 'App' } },
      cache: { conditional: false, fresh_until: expect.any(String) },
    })
  })

  it('nothing, where all is as it was', () => {
    expect(audited(known(), unchanged)).toBeUndefined()
  })

  it('of another document also which one it replaces', () => {
    const next = bytesOf({ ...published, client_name: 'Another' })
    expect(audited(known(), answerWith(next, { evidence }))).toMatchObject({
      ...{ digest: sha256Hex(next), previous_digest: digest, cache: { conditional: true } },
    })
  })

  it('of a failure its code, and that it is over', () => {
    const failing = evaluateFetch(known(), failed('status_5xx'), finishedAt, 0.5)
    expect(failing.audited).toMatchObject({ outcome: 'failed', code: 'status_5xx', address_class: 'public' })
    const back = audited({ ...known(), standing: failing.standing }, unchanged)
    expect(back).toMatchObject({ outcome: 'not_modified', digest })
  })

  it('FET-16: of an address that was refused its class and not itself', () => {
    const told = audited(known(), failed('address_blocked'))
    expect(told).toMatchObject({ address_class: 'refused' })
    expect(told).not.toHaveProperty('address')
  })

  it('where nothing was dialled that nothing was', () => {
    expect(audited(stranger, answerWith(body))).toMatchObject({ address_class: 'not_dialled' })
  })
})

describe('what the audit is told of an attempt on a logo', () => {
  const claim: ResourceClaim = {
    ...{ resource: '1', client: '1', clientId, kind: 'logo', url: 'https://app.example.com/logo.png' },
    ...{ host: 'app.example.com', token: 'token', generation: 1, urgent: false, claimedAt: finishedAt },
    ...{ standing: UNKNOWN_STANDING, brake: undefined, body: undefined, validators: {}, lostClaims: 0 },
  }
  const told = (given: ResourceClaim, image: string) =>
    evaluateResource(
      given,
      { result: answerWith(new Uint8Array(), { evidence }), held: { kind: 'image', digest: image } },
      finishedAt,
      0.5,
    )

  it('the digest of what it shows, and nothing where that is the same', () => {
    const first = told(claim, 'b'.repeat(64))
    expect(first.audited).toMatchObject({ resource: 'logo', outcome: 'fetched', digest: 'b'.repeat(64) })
    const again = { ...claim, standing: first.standing }
    expect(told(again, 'b'.repeat(64)).audited).toBeUndefined()
    expect(told(again, 'c'.repeat(64)).audited).toMatchObject({ previous_digest: 'b'.repeat(64) })
  })

  it('its failure', () => {
    const record = evaluateResource(claim, { result: failed('status_5xx') }, finishedAt, 0.5)
    expect(record.audited).toMatchObject({ resource: 'logo', outcome: 'failed', code: 'status_5xx' })
  })
})
