import { describe, expect, it } from 'vitest'
import { AUDIT_DATA, type AuditKind } from './audit-data.ts'
import { draftAuditEntry, type NewAuditEntry, placeDraft, placeEntry, readAuditEntry } from './audit-entry.ts'
import { entryAt, TENANT } from './chain.fixture.ts'

const digest = 'a'.repeat(64)
const instant = '2026-11-21T09:00:00.000Z'
const policy = { version: 3, digest }
const verdict = { decision: 'held' as const, rules: [{ id: 'widening', reason: 'a new redirect URI' }] }
const shown = {
  redirect_uris: ['https://app.example.com/cb'],
  display: { client_name: 'App', logo_digest: digest },
  token_endpoint_auth_method: 'private_key_jwt',
}

/** One of each kind: what the record of a decision is asked for. */
const DATA: { readonly [Kind in AuditKind]: Extract<NewAuditEntry, { kind: Kind }>['data'] } = {
  'resolve.decided': {
    ...{ purpose: 'authorize', answer: 'ready', digest, effective_digest: digest, policy, verdict },
    cache: { status: 'stale', usable_until: instant, why: 'timeout_connect' },
    ...{
      redirect_uri: 'https://app.example.com/cb',
      redirect_match: 'exact',
      warnings: ['stale'],
      tier: 'new',
    },
    ...{ redirect_uris: ['https://app.example.com/cb'], display: shown.display },
    token_endpoint_auth_method: 'none',
  },
  'fetch.recorded': {
    ...{ resource: 'document', outcome: 'fetched', status: 200, content_type: 'application/json' },
    ...{ address: '2001:db8::1', address_class: 'public', certificate_sha256: digest },
    ...{
      cache: { conditional: true, fresh_until: instant },
      digest,
      previous_digest: digest,
      rules_version: 4,
    },
    ...{ redirect_uris: ['https://app.example.com/cb'], display: shown.display },
    token_endpoint_auth_method: 'private_key_jwt',
  },
  'policy.put': { ...policy, mode: 'review_first', report_only: true },
  'policy.judged': { stage: 'document', digest, policy, verdict },
  'approval.given': { digest, expires_at: instant },
  'approval.refused': { digest, reason: 'not one of ours' },
  'approval.ended': { digest },
  'reviewed.marked': { domain: 'example.com' },
  'reviewed.cleared': {},
  'registration.put': { mode: 'pinned' },
  'registration.ended': {},
  'report.consent': { digest, scope: 'openid' },
  'report.code': { digest, redirect_uri: 'https://app.example.com/cb' },
  'report.token': { digest, grant_type: 'authorization_code', auth_method: 'none' },
  'ownership.judged': {
    ...{ domain: 'example.com', verdict: 'discontinuous', signals: ['name_servers'], era: 2 },
    reasons: ['replaced_after_silence'],
  },
  'ownership.accepted': { domain: 'example.com', era: 2, reason: 'asked them' },
  'key.created': { key_prefix: 'cimd_4f9a', scopes: ['resolve'], expires_at: instant },
  'key.rotated': { key_prefix: 'cimd_77aa', replaced_prefix: 'cimd_4f9a', replaced_until: instant },
  'key.revoked': { key_prefix: 'cimd_4f9a' },
  'tenant.created': { name: 'bank' },
  'tenant.changed': { settings: ['profile'] },
  'subject.erased': { reason: 'asked for' },
  'retention.cut': { anchor_seq: 4, anchor_hash: digest, count: 4 },
}
const MADE = Object.keys(AUDIT_DATA).map((kind) => ({
  kind,
  clientId: 'https://app.example.com/client.json',
  actor: { kind: 'service', id: 'api' },
  data: DATA[kind as AuditKind],
})) as NewAuditEntry[]
const place = { tenant: TENANT, seq: 7, at: new Date(instant) }

describe('placeEntry', () => {
  it.each(MADE)('keeps all that $kind says', (made) => {
    const entry = placeEntry(made, place)
    expect(entry).toEqual({
      ...{ tenant: TENANT, seq: 7, at: instant, kind: made.kind, actor: made.actor, data: made.data },
      client_id: 'https://app.example.com/client.json',
    })
    expect(readAuditEntry(entry)).toEqual({ ok: true, value: entry })
  })

  it('leaves out what is undefined, and what the kind does not have', () => {
    const data = { digest, reason: undefined, email: 'alice@example.com' }
    const made = { kind: 'approval.given', actor: { kind: 'operator', id: 'cimd' }, data } as const
    expect(placeEntry(made as NewAuditEntry, place)).toEqual({
      ...{ tenant: TENANT, seq: 7, at: instant, kind: 'approval.given', data: { digest } },
      actor: { kind: 'operator', id: 'cimd' },
    })
  })

  it.each<[string, object]>([
    ['a subject that is no pseudonym (ARC-10)', { subject: 'alice@example.com' }],
    ['data of another kind', { kind: 'policy.put' }],
    ['a text that is cut in the middle of a character', { data: { digest, reason: '\ud83d' } }],
    ['a text that Postgres does not keep', { data: { digest, reason: '\0' } }],
  ])('throws for %s', (_, members) => {
    const made = {
      kind: 'approval.given',
      actor: { kind: 'key', id: 'cimd_4f9a' },
      data: { digest },
      ...members,
    }
    expect(() => placeEntry(made as NewAuditEntry, place)).toThrow()
  })
})

describe('placeDraft', () => {
  const draft = { kind: 'later.kind', actor: { kind: 'key', id: 'cimd_4f9a' }, data: { later: 1 } }

  it('gives a place to what a newer release noted', () => {
    const reading = placeDraft(draft, place)
    expect(reading).toMatchObject({ ok: true, value: { kind: 'later.kind', seq: 7, data: { later: 1 } } })
  })

  it('refuses what no release makes', () => {
    expect(placeDraft({ ...draft, data: { share: 0.5 } }, place)).toEqual({
      ...{ ok: false, detail: 'a number that is not whole' },
    })
  })

  it('a draft is refused when it is noted, and not first when it is to be chained', () => {
    const made = { kind: 'approval.given', actor: { kind: 'key', id: 'x' }, data: { digest, reason: '\0' } }
    expect(() => draftAuditEntry(made as NewAuditEntry)).toThrow('a text that is not well-formed')
  })
})

describe('readAuditEntry', () => {
  it.each<[string, object, string]>([
    ['no place', { seq: 0 }, 'not as an entry has it: seq'],
    ['an instant without decimals', { at: '2026-11-21T09:00:00Z' }, 'not as an entry has it: at'],
    ['an actor without a name', { actor: { kind: 'key' } }, 'not as an entry has it: actor.id'],
    ['a member whose name is not plain', { Later: 1 }, 'a member whose name is not snake_case'],
    ['a number beyond 53 bits', { later: 2 ** 53 }, 'a number that is not whole'],
  ])('refuses an entry with %s', (_, members, detail) => {
    expect(readAuditEntry({ ...entryAt(1), ...members })).toEqual({ ok: false, detail })
  })
})
