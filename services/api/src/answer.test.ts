import {
  type ClientStanding,
  parseClientIdUrl,
  policyDigest,
  RULES_VERSION,
  readTrustPolicy,
  sha256Hex,
  UNKNOWN_STANDING,
} from '@cimd/core'
import type { ClientView, StoredVersion } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { type AnswerOptions, answerFromView } from './answer.ts'
import { DEFAULT_POLICY } from './policies.ts'
import { ready } from './schemas.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value

const HOUR = 60 * 60
const now = new Date('2026-11-20T12:00:00Z')
const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const published = {
  client_id: clientId,
  redirect_uris: ['https://app.example.com/cb'],
  extra: { kept: true },
}

function versionOf(document: object, given: Partial<StoredVersion> = {}): StoredVersion {
  const body = new TextEncoder().encode(JSON.stringify(document))
  const stored = { contentType: 'application/json', fetchedAt: at(-HOUR), rulesVersion: RULES_VERSION }
  return { digest: sha256Hex(body), body, ...stored, ...given }
}

const version = versionOf(published)
const fresh: ClientStanding = {
  state: 'valid',
  digest: version.digest,
  validatedAt: at(-60),
  freshUntil: at(HOUR),
  revalidateUntil: at(2 * HOUR),
  staleForbidden: false,
  staleIfErrorSeconds: undefined,
  usableUntil: at(25 * HOUR),
  failure: undefined,
  withdrawing: undefined,
  retryAt: undefined,
  staleAnnounced: undefined,
  quarantine: undefined,
}
const withdrawn: ClientStanding = {
  ...fresh,
  state: 'withdrawn',
  usableUntil: at(-60),
  withdrawing: { code: 'status_404', since: at(-HOUR) },
}
const held404: ClientStanding = { ...withdrawn, usableUntil: at(-45 * 60) }
const view = (given: Partial<ClientView> = {}): ClientView => ({
  now,
  id: '1',
  wanted: 1,
  urgent: 1,
  done: 1,
  deferred: undefined,
  standing: fresh,
  terms: {},
  version,
  resources: [],
  attemptedAt: at(-60),
  lastResolvedAt: at(-60),
  ...given,
})
const policyOf = (said: object) => {
  const read = readTrustPolicy(said)
  if (!read.ok) throw new Error(read.problems[0]?.detail)
  return { version: 7, digest: policyDigest(read.policy), policy: read.policy }
}
const answer = (given: Partial<ClientView>, options: Partial<AnswerOptions> = {}) =>
  answerFromView(clientId, view(given), { policy: DEFAULT_POLICY, ...options })
const stranger = { id: undefined, version: undefined, standing: UNKNOWN_STANDING }

describe('answerFromView of a usable record', () => {
  it('gives the document as published, with the digest of its bytes (CHG-09)', () => {
    expect(answer({})).toEqual({
      kind: 'ready',
      basis: expect.objectContaining({ clientId, digest: version.digest }),
      body: {
        status: 'ready',
        client_id: clientId,
        document: published,
        digest: version.digest,
        policy: { version: 0, digest: DEFAULT_POLICY.digest, decision: 'admitted' },
        fetched_at: at(-HOUR).toISOString(),
        validated_at: at(-60).toISOString(),
        freshness: { state: 'fresh', until: at(HOUR).toISOString() },
      },
    })
  })

  it('says of a stale one since when, until when and why (CAC-13)', () => {
    const failing: ClientStanding = {
      ...fresh,
      state: 'failing',
      freshUntil: at(-10),
      failure: { code: 'timeout_connect', since: at(-100) },
    }
    expect(answer({ standing: failing })).toMatchObject({
      kind: 'ready',
      body: {
        freshness: {
          state: 'stale',
          since: at(-100).toISOString(),
          until: at(25 * HOUR).toISOString(),
          why: 'timeout_connect',
        },
      },
    })
  })

  it('holds a withdrawn one while the brake is engaged', () => {
    const held = answer({ standing: held404, terms: { brake: { heldFrom: at(-2 * HOUR) } } })
    expect(held).toMatchObject({ kind: 'ready', body: { freshness: { state: 'stale', why: 'status_404' } } })
    expect(answer({ standing: held404 })).toMatchObject({ problem: { status: 422, code: 'status_404' } })
  })

  it('follows the limits of the tenant (CAC-13)', () => {
    const failure = { code: 'timeout_connect', since: at(-600) } as const
    const standing: ClientStanding = { ...fresh, state: 'failing', freshUntil: at(-600), failure }
    const limited = (unreachable: number) => answer({ standing, terms: { staleLimits: { unreachable } } })
    expect(limited(900)).toMatchObject({ body: { freshness: { until: at(300).toISOString() } } })
    expect(limited(600)).toMatchObject({ problem: { code: 'timeout_connect' } })
  })

  it('is preferred to the failure of the attempt that was waited for (CAC-07)', () => {
    const failure = { code: 'timeout_connect', detail: '' } as const
    expect(answer({}, { failure }).kind).toBe('ready')
  })

  it('answers whether a redirect URI matches, only when asked', () => {
    const matched = answer({}, { redirectUri: 'https://app.example.com/cb' })
    const other = answer({}, { redirectUri: 'https://app.example.com/cb/' })
    expect(matched).toMatchObject({
      body: { redirect_match: { matched: true, entry: 'https://app.example.com/cb', rule: 'exact' } },
    })
    expect(other).toMatchObject({
      body: {
        redirect_match: {
          matched: false,
          reason: 'path_differs',
          rule: 'RED-01',
          nearest: 'https://app.example.com/cb',
        },
      },
    })
    expect(answer({})).not.toHaveProperty('body.redirect_match')
  })

  it.each<[string, Partial<ClientView>, Partial<AnswerOptions>]>([
    ['fresh', {}, {}],
    ['stale with a redirect', { standing: { ...fresh, freshUntil: at(-10) } }, { redirectUri: 'x' }],
    ['withdrawn', { standing: withdrawn }, { evenUnusable: true }],
  ])('has the shape that is promised when it is %s', (_, given, options) => {
    const answered = answer(given, options)
    expect(answered.kind === 'ready' && ready.parse(answered.body)).toEqual(
      answered.kind === 'ready' && answered.body,
    )
  })
})

describe('answerFromView of a record that must not be used', () => {
  it.each<[string, Partial<ClientView>, string, number]>([
    ['never resolved', stranger, 'client_unknown', 404],
    ['too old', { standing: { ...fresh, freshUntil: at(-HOUR), usableUntil: now } }, 'stale_expired', 502],
    ['withdrawn (CAC-14)', { standing: withdrawn }, 'status_404', 422],
    [
      'never valid (CAC-05)',
      {
        ...stranger,
        id: '1',
        standing: { ...UNKNOWN_STANDING, failure: { code: 'json_invalid', since: now } },
      },
      'json_invalid',
      422,
    ],
  ])('says why one that is %s is of no use', (_, given, code, status) => {
    expect(answer(given)).toMatchObject({ kind: 'problem', problem: { code, status } })
  })

  it('reports the attempt that was waited for rather than what the record remembers (CAC-04)', () => {
    const failure = { code: 'timeout_connect', detail: 'after 3000 ms' } as const
    expect(answer({ standing: withdrawn }, { failure })).toMatchObject({
      kind: 'problem',
      problem: { code: 'timeout_connect', status: 502, detail: 'after 3000 ms' },
    })
  })

  it('says of one in quarantine when it is tried again, whoever asks', () => {
    const standing: ClientStanding = {
      ...fresh,
      ...{ freshUntil: at(-HOUR), usableUntil: at(-60), failure: { code: 'quarantined', since: at(-60) } },
      quarantine: { since: at(-60), until: at(HOUR) },
    }
    const failure = { code: 'quarantined', detail: 'it ended with SIGKILL' } as const
    const problem = { status: 503, code: 'quarantined', retryAfterSeconds: HOUR }
    expect(answer({ standing })).toMatchObject({ problem })
    expect(answer({ standing }, { failure })).toMatchObject({
      problem: { ...problem, detail: failure.detail },
    })
    // Released, and not fetched yet.
    expect(answer({ standing: { ...standing, quarantine: undefined } })).toMatchObject({
      problem: { ...problem, retryAfterSeconds: 30 },
    })
  })

  it('still serves the last version for a revocation, and says that it is of no other use', () => {
    expect(answer({ standing: withdrawn }, { evenUnusable: true })).toMatchObject({
      kind: 'ready',
      body: { digest: version.digest, freshness: { state: 'unusable', why: 'status_404' } },
    })
  })

  it('compares no redirect URI for a revocation, not even where an approval would hold it back', () => {
    const approved = versionOf({ ...published, client_secret: 'x' })
    const redirectUri = published.redirect_uris[0]
    const revoked = answer({ approved }, { evenUnusable: true, redirectUri })
    expect(revoked).toMatchObject({ kind: 'ready', body: { digest: version.digest } })
    expect(revoked).not.toHaveProperty('body.redirect_match')
    expect(answer({}, { evenUnusable: true, redirectUri })).not.toHaveProperty('body.redirect_match')
    expect(answer({ approved }, { redirectUri })).toMatchObject({ problem: { code: 'approval_void' } })
  })

  it('has nothing to serve for a revocation where there never was a version', () => {
    expect(answer(stranger, { evenUnusable: true })).toMatchObject({ problem: { code: 'client_unknown' } })
  })
})

describe('answerFromView for a tenant with a profile', () => {
  it('DOC-13: does not admit what the profile does not, except to revoke', () => {
    const problem = {
      code: 'policy_denied',
      status: 403,
      detail: expect.stringContaining('(profile atproto)'),
    }
    const options = { policy: policyOf({ profile: 'atproto' }) }
    expect(answer({}, options)).toMatchObject({ kind: 'problem', problem })
    expect(answer({}, { ...options, evenUnusable: true })).toMatchObject({
      kind: 'ready',
      body: { policy: { decision: 'refused' } },
    })
  })
})

describe('answerFromView for a tenant with a policy', () => {
  it('POL-01: gives every reason of a refusal, and advice', () => {
    const block = [{ host: 'app.example.com' }]
    const { problem } = answer({}, { policy: policyOf({ block, redirects: { max_count: 0 } }) }) as {
      problem: { reasons: readonly object[] }
    }
    expect(problem).toMatchObject({ code: 'policy_denied', status: 403, oauth_error: 'invalid_client' })
    expect(problem).toMatchObject({ advice: expect.stringContaining('lift the block') })
    expect(problem.reasons).toMatchObject([
      { code: 'blocked', effect: 'refuse', rule: 'POL-04', at: '/block/0' },
      { code: 'redirects_too_many', effect: 'refuse', rule: 'RED-09', at: '/redirects/max_count' },
    ])
  })

  it('POL-01: holds until somebody has approved, and refuses what a person refused', () => {
    const options = { policy: policyOf({ mode: 'review' }) }
    expect(answer({}, options)).toMatchObject({ problem: { code: 'policy_held', status: 403 } })
    expect(answer({ approved: version }, options)).toMatchObject({ kind: 'ready' })
    expect(answer({ approved: version, refused: 'Not ours.' }, options)).toMatchObject({
      problem: { code: 'policy_denied', detail: 'Not ours.', reasons: [{ code: 'review_refused', at: '' }] },
    })
  })

  it('DOC-11: removes what the policy does not permit, under a digest of its own', () => {
    const scoped = versionOf({ ...published, scope: 'read write' })
    const { body } = answer({ version: scoped }, { policy: policyOf({ scopes: ['read'] }) }) as {
      body: { digest: string }
    }
    expect(body).toMatchObject({
      document: { scope: 'read' },
      effective: {
        current_digest: scoped.digest,
        held: [],
        removed: [{ member: 'scope' }],
        policy_version: 7,
      },
    })
    expect(body.digest).not.toBe(scoped.digest)
    expect(answer({}, { policy: policyOf({ scopes: ['read'] }) })).toMatchObject({
      body: { scope_limit: ['read'], digest: version.digest },
    })
  })

  it('CHG-02: holds what widens beyond the baseline, or asks for consent again', () => {
    const wider = versionOf({
      ...published,
      redirect_uris: [...published.redirect_uris, 'https://b.example/cb'],
    })
    const given = { version: wider, baseline: version }
    expect(answer(given, { policy: policyOf({ changes: 'hold_widening' }) })).toMatchObject({
      body: {
        document: { redirect_uris: published.redirect_uris },
        effective: { baseline_digest: version.digest, held: [{ member: 'redirect_uris' }] },
      },
    })
    expect(answer(given, { policy: policyOf({ changes: 'require_reconsent' }) })).toMatchObject({
      body: { digest: wider.digest, reconsent: [{ member: 'redirect_uris' }] },
    })
  })

  it('FET-27: answers from the version that was registered, whatever became of the client', () => {
    const registration = { mode: 'frozen', isPinned: true } as const
    expect(answer({ standing: withdrawn, registration })).toMatchObject({
      body: { registration: 'frozen', freshness: { state: 'fresh' } },
    })
  })

  it('FET-08: admits text/plain where the policy says so', () => {
    const plain = versionOf(published, { contentType: 'text/plain' })
    expect(answer({ version: plain }, { policy: policyOf({ text_plain: 'allow' }) }).kind).toBe('ready')
  })
})

describe('answerFromView of a version it does not stand by', () => {
  it('denies by policy what is served as plain text, and says what to do (FET-08)', () => {
    const plain = versionOf(published, { contentType: 'text/plain' })
    expect(answer({ version: plain })).toMatchObject({
      kind: 'problem',
      problem: {
        status: 403,
        code: 'policy_denied',
        oauth_error: 'invalid_client',
        detail: 'The document is served as text/plain.',
        advice: 'Serve it as application/json.',
      },
    })
  })

  it.each<[string, object, string]>([
    [
      'the document of another client',
      { ...published, client_id: 'https://evil.example/c' },
      'client_id_mismatch',
    ],
    ['a secret', { ...published, client_secret: 'x' }, 'forbidden_member'],
  ])('judges stored bytes again: %s is refused (ARC-07)', (_, document, code) => {
    expect(answer({ version: versionOf(document) })).toMatchObject({
      kind: 'problem',
      problem: { status: 422, code, detail: expect.stringMatching(/^client_/) },
    })
  })

  const refused = { ...published, token_endpoint_auth_method: 'client_secret_basic' }
  const older = versionOf(refused, { rulesVersion: RULES_VERSION - 1 })
  const standing = { ...fresh, digest: older.digest }

  it('gives what only newer rules refuse, as stale, until its standing ends (CAC-12)', () => {
    expect(answer({ version: older, standing })).toMatchObject({
      body: {
        document: refused,
        digest: older.digest,
        freshness: {
          state: 'stale',
          since: at(-60).toISOString(),
          until: at(25 * HOUR).toISOString(),
          why: 'rules_pending',
        },
      },
    })
    const failing = { ...standing, failure: { code: 'symmetric_method', since: at(-60) } } as const
    const ending = { ...failing, freshUntil: at(-60), withdrawing: failing.failure, usableUntil: at(840) }
    expect(answer({ version: older, standing: ending })).toMatchObject({
      body: { freshness: { state: 'stale', why: 'symmetric_method' } },
    })
    const ended = { ...ending, usableUntil: at(-1) }
    expect(answer({ version: older, standing: ended })).toMatchObject({
      problem: { status: 422, code: 'symmetric_method' },
    })
  })

  it('refuses what the rules it is said to have been stored under refuse (ARC-07)', () => {
    const planted = { ...older, rulesVersion: RULES_VERSION }
    expect(answer({ version: planted, standing })).toMatchObject({ problem: { code: 'symmetric_method' } })
  })
})
