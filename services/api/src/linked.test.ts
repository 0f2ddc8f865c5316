import {
  type ClientMetadata,
  type ClientStanding,
  judgeKeySet,
  sha256Hex,
  UNKNOWN_STANDING,
} from '@cimd/core'
import type { ClientView, ResourceView } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { linkedBody } from './linked.ts'

const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const KEY = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43), kid: 'a' }
const judged = judgeKeySet(bytesOf({ keys: [KEY] }))
if (!judged.ok) throw new Error(judged.code)
const { digest } = judged.keySet

const fresh: ClientStanding = {
  ...UNKNOWN_STANDING,
  ...{ state: 'valid', digest, validatedAt: at(-60), freshUntil: at(60), usableUntil: at(3600) },
}
const keys: ResourceView = {
  ...{ kind: 'jwks', url: 'https://a.example/jwks', wanted: 1, done: 1, standing: fresh },
  ...{ body: bytesOf({ keys: [KEY] }), image: undefined },
}
const logoDigest = sha256Hex('an image')
const logo: ResourceView = {
  ...{ kind: 'logo', url: 'https://a.example/l.png', wanted: 1, done: 1, body: undefined },
  standing: { ...fresh, digest: logoDigest },
  image: { contentType: 'image/webp', width: 4, height: 2 },
}
const documentFreshness = { state: 'fresh', until: at(30).toISOString() } as const

function linked(members: object, resources: readonly ResourceView[]) {
  const view: ClientView = {
    ...{ now, id: '1', wanted: 1, urgent: 1, done: 1, deferred: undefined, standing: fresh, terms: {} },
    ...{ version: undefined, resources, attemptedAt: at(-60), lastResolvedAt: at(-60) },
  }
  const metadata = { client_id: 'https://a.example/c', ...members } as ClientMetadata
  return linkedBody(view, metadata, documentFreshness)
}
const keysWith = (given: Partial<ResourceView>) =>
  linked({ jwks_uri: keys.url }, [{ ...keys, ...given }]).keys

describe('the keys of an answer', () => {
  it('are those fetched from the jwks_uri, with a freshness of their own', () => {
    expect(keysWith({})).toEqual({
      ...{ status: 'ready', source: 'jwks_uri', jwks: { keys: [KEY] }, digest },
      freshness: { state: 'fresh', until: at(60).toISOString() },
    })
  })

  it('are those in the document, with its freshness', () => {
    const jwks = { keys: [KEY, { kty: 'EC' }] }
    expect(linked({ jwks }, []).keys).toEqual({
      ...{ status: 'ready', source: 'jwks', jwks: { keys: [KEY] }, digest, freshness: documentFreshness },
    })
  })

  it('CHG-08: are never those from another URL than the document names', () => {
    expect(keysWith({ url: 'https://a.example/old' })).toEqual({ status: 'pending', source: 'jwks_uri' })
  })

  it('are pending until they have been fetched', () => {
    const pending = { status: 'pending', source: 'jwks_uri' }
    expect(linked({ jwks_uri: keys.url }, []).keys).toEqual(pending)
    expect(keysWith({ standing: UNKNOWN_STANDING, body: undefined })).toEqual(pending)
    expect(keysWith({ body: undefined })).toEqual(pending)
  })

  it.each<[Partial<ClientStanding>, string]>([
    [{ state: 'withdrawn', withdrawing: { code: 'status_404', since: at(-3600) } }, 'status_404'],
    [{ digest: undefined, failure: { code: 'dns_not_found', since: at(-60) } }, 'dns_not_found'],
    [{ freshUntil: at(-60), usableUntil: at(-1) }, 'stale_expired'],
  ])('CAC-13: are unusable with %j', (given, code) => {
    const standing = { ...fresh, ...given }
    expect(keysWith({ standing })).toEqual({ status: 'unusable', source: 'jwks_uri', code })
  })

  it('ARC-07: are judged again where they are read', () => {
    const body = bytesOf({ keys: [{ ...KEY, d: 'eA' }] })
    expect(keysWith({ body })).toEqual({ status: 'unusable', source: 'jwks_uri', code: 'key_set_secret' })
  })

  it('are absent where the document names none', () => {
    expect(linked({}, [])).toEqual({})
  })
})

describe('the logo of an answer', () => {
  const logoWith = (given: Partial<ResourceView>) =>
    linked({ logo_uri: logo.url }, [{ ...logo, ...given }]).logo

  it('is where to load it from, and its size', () => {
    expect(logoWith({})).toEqual({
      ...{ status: 'ready', url: `/logos/${logoDigest}`, digest: logoDigest },
      ...{ content_type: 'image/webp', width: 4, height: 2 },
    })
  })

  it('is pending until it has been fetched', () => {
    expect(linked({ logo_uri: logo.url }, []).logo).toEqual({ status: 'pending' })
    expect(logoWith({ standing: UNKNOWN_STANDING })).toEqual({ status: 'pending' })
    expect(logoWith({ image: undefined })).toEqual({ status: 'pending' })
    expect(logoWith({ url: 'https://a.example/old.png' })).toEqual({ status: 'pending' })
  })

  it('is none that has been gone for too long', () => {
    const standing: ClientStanding = { ...fresh, freshUntil: at(-60), usableUntil: at(-1) }
    expect(logoWith({ standing })).toEqual({ status: 'unusable', code: 'stale_expired' })
  })

  it('is absent where the link may not be followed (FET-13)', () => {
    expect(linked({ logo_uri: 'http://a.example/l.png' }, [logo])).toEqual({})
  })
})
