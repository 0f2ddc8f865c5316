import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareMetadata } from '../changes/metadata-changes.ts'
import { sha256Hex } from '../digest.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { canonicalJson, type JsonObject } from '../json/json.ts'
import { givenByPolicy } from './given-by-policy.ts'
import { judgeDocument } from './judge-document.ts'
import { policySchema, type TrustPolicyRequest } from './policy-schema.ts'
import { restrictToPolicy } from './restrict-to-policy.ts'

const METHOD = 'token_endpoint_auth_method'
const METHODS = 'token_endpoint_auth_methods_supported'

describe('restrictToPolicy', () => {
  it.each<[string, TrustPolicyRequest, JsonObject, JsonObject]>([
    [
      'DOC-11: grant types',
      { grant_types: ['authorization_code', 'refresh_token'] },
      { grant_types: ['device', 'refresh_token', 'authorization_code'] },
      { grant_types: ['refresh_token', 'authorization_code'] },
    ],
    ['DOC-18: the grant type by default', { grant_types: ['client_credentials'] }, {}, { grant_types: [] }],
    [
      'DOC-18: response types with their grants',
      { grant_types: ['authorization_code'] },
      {
        grant_types: ['authorization_code', 'implicit'],
        response_types: ['code', 'token', 'code id_token', 'none'],
      },
      { grant_types: ['authorization_code'], response_types: ['code', 'none'] },
    ],
    [
      'DOC-18: response types whose grant was never asked for',
      { grant_types: ['authorization_code'] },
      { response_types: ['id_token', 'code'] },
      { response_types: ['code'] },
    ],
    [
      'DOC-18: response types of a grant that is not permitted',
      { grant_types: ['implicit'] },
      { grant_types: ['implicit', 'authorization_code'], response_types: ['code', 'token'] },
      { grant_types: ['implicit'], response_types: ['token'] },
    ],
    ['DOC-11: scopes', { scopes: ['a', 'b'] }, { scope: 'c  b a d' }, { scope: 'b a' }],
    ['DOC-11: every scope', { scopes: [] }, { scope: 'a' }, { scope: '' }],
    [
      'KEY-10: methods beside one that is admitted',
      { auth_methods: ['private_key_jwt'] },
      { [METHOD]: 'private_key_jwt', [METHODS]: ['none', 'private_key_jwt'] },
      { [METHOD]: 'private_key_jwt', [METHODS]: ['private_key_jwt'] },
    ],
    [
      'KEY-10: a declared method, where the plural has one that is admitted',
      { auth_methods: ['private_key_jwt'] },
      { [METHOD]: 'none', [METHODS]: ['none', 'private_key_jwt'] },
      { [METHOD]: 'private_key_jwt', [METHODS]: ['private_key_jwt'] },
    ],
    [
      'KEY-10: of the plural alone',
      { auth_methods: ['private_key_jwt'] },
      { [METHODS]: ['none', 'private_key_jwt'] },
      { [METHODS]: ['private_key_jwt'] },
    ],
  ])('takes out what the policy does not permit, %s', (_, policy, document, expected) => {
    const [before, after] = [documentOf(document), documentOf(expected)]
    const { metadata, removed, digest } = restrictToPolicy(policySchema.parse(policy), before)
    expect(metadata).toEqual(after)
    expect(digest).toBe(sha256Hex(canonicalJson(after)))
    expect(removed).toEqual(compareMetadata(before, after))
    expect(removed).not.toEqual([])
  })

  it.each<[string, TrustPolicyRequest, JsonObject]>([
    ['by default', {}, { grant_types: ['x'], scope: 'y', [METHODS]: ['z'] }],
    ['of what is permitted', { grant_types: ['authorization_code'], scopes: ['a'] }, { scope: 'a' }],
    ['DOC-11: of a document that leaves its scopes to the server', { scopes: ['a'] }, {}],
    ['KEY-09: of a single method', { auth_methods: ['private_key_jwt'] }, { [METHOD]: 'private_key_jwt' }],
    ['KEY-10: of methods that are all admitted', { auth_methods: ['none', 'x'] }, { [METHODS]: ['none'] }],
    ['KEY-10: where no method is admitted', { auth_methods: ['private_key_jwt'] }, { [METHODS]: ['none'] }],
    [
      'KEY-11: where the strongest method would go',
      { auth_methods: ['none'] },
      { [METHOD]: 'private_key_jwt', [METHODS]: ['none', 'private_key_jwt'] },
    ],
  ])('takes nothing out, %s', (_, policy, document) => {
    const before = documentOf(document)
    expect(restrictToPolicy(policySchema.parse(policy), before)).toEqual({
      metadata: before,
      removed: [],
      digest: undefined,
    })
  })

  it('DOC-16: holds beside members that are named as what every object has', () => {
    const before = documentOf(JSON.parse('{ "__proto__": { "scope": "a" }, "scope": "a b" }'))
    const { metadata } = restrictToPolicy(policySchema.parse({ scopes: ['a'] }), before)
    expect(Object.getOwnPropertyDescriptor(metadata, '__proto__')?.value).toEqual({ scope: 'a' })
    expect(metadata.scope).toBe('a')
  })
})

const grants = ['authorization_code', 'implicit', 'refresh_token', 'x']
const methods = ['none', 'private_key_jwt', 'tls_client_auth', 'x']
const some = (items: readonly string[]) => fc.shuffledSubarray([...items])
const documents = fc
  .record(
    {
      grant_types: some(grants),
      response_types: some(['code', 'token', 'code id_token', 'id_token code', 'none']),
      scope: some(['a', 'b', 'c']).map((scopes) => scopes.join(' ')),
      redirect_uris: some(['https://a.example.com/', 'https://b.example.com/']),
      client_name: fc.constantFrom('A', 'B'),
      [METHOD]: fc.constantFrom(...methods),
      [METHODS]: some(methods),
    },
    { requiredKeys: [] },
  )
  .map((members) => documentOf(members as JsonObject))
const listed = (items: readonly string[]) =>
  fc.option(fc.shuffledSubarray([...items], { minLength: 1 }), { nil: null })
const policies = fc
  .record({
    grant_types: listed(grants),
    scopes: listed(['a', 'b', 'c']),
    auth_methods: listed(methods),
    changes: fc.constantFrom('accept', 'hold_widening', 'require_reconsent'),
  })
  .map((request) => policySchema.parse(request))

const widening = (before: ClientMetadata, after: ClientMetadata) =>
  compareMetadata(before, after).filter((change) => change.class === 'widening')

const RUNS = { numRuns: 1000 }

describe('restrictToPolicy, whatever it is given', () => {
  it('CHG-07: never widens, and tells what it took out', () => {
    fc.assert(
      fc.property(policies, documents, (policy, document) => {
        const { metadata, removed, digest } = restrictToPolicy(policy, document)
        expect(widening(document, metadata)).toEqual([])
        expect(removed).toEqual(compareMetadata(document, metadata))
        expect([metadata === document, removed.length === 0]).toEqual(Array(2).fill(digest === undefined))
      }),
      RUNS,
    )
  })

  it('DOC-11: is what it is when it is made of itself', () => {
    fc.assert(
      fc.property(policies, documents, (policy, document) => {
        const { metadata } = restrictToPolicy(policy, document)
        expect(restrictToPolicy(policy, metadata).metadata).toBe(metadata)
      }),
      RUNS,
    )
  })

  it('DOC-11: leaves no grant and no scope that the policy does not permit', () => {
    fc.assert(
      fc.property(policies, documents, (policy, document) => {
        const { metadata } = restrictToPolicy(policy, document)
        for (const grant of metadata.grant_types ?? []) expect(policy.grant_types ?? [grant]).toContain(grant)
        for (const scope of metadata.scope?.split(' ').filter(Boolean) ?? [])
          expect(policy.scopes ?? [scope]).toContain(scope)
      }),
    )
  })
})

describe('judgeDocument', () => {
  it('POL-05: says the same of what is left of a document', () => {
    fc.assert(
      fc.property(policies, documents, (policy, document) => {
        const judge = (metadata: ClientMetadata) =>
          judgeDocument(policy, { clientId: metadata.client_id, metadata, warnings: [], approved: false })
        expect(judge(restrictToPolicy(policy, document).metadata)).toEqual(judge(document))
      }),
      RUNS,
    )
  })
})

describe('givenByPolicy, whatever it is given', () => {
  it('CHG-07, CHG-09: is never wider than what was approved, and has a digest of its own', () => {
    fc.assert(
      fc.property(policies, documents, documents, (policy, current, approved) => {
        const { metadata, digest } = givenByPolicy(policy, { current, approved })
        expect(widening(approved, metadata)).toEqual([])
        const own = metadata === current ? undefined : sha256Hex(canonicalJson(metadata))
        expect(digest).toBe(own)
      }),
      RUNS,
    )
  })
})

function documentOf(members: JsonObject): ClientMetadata {
  return Object.fromEntries([
    ['client_id', 'https://a.example.com/c'],
    ...Object.entries(members),
  ]) as ClientMetadata
}
