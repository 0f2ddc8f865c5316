import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import type { JsonObject } from '../json/json.ts'
import { givenByPolicy } from './given-by-policy.ts'
import { policySchema, type TrustPolicyRequest } from './policy-schema.ts'

describe('givenByPolicy', () => {
  const [old, wide] = [
    documentOf({ redirect_uris: ['https://a.example.com/'], scope: 'a' }),
    documentOf({ redirect_uris: ['https://a.example.com/', 'https://b.example.com/'], scope: 'a b' }),
  ]
  const given = (request: TrustPolicyRequest, versions: Parameters<typeof givenByPolicy>[1]) => {
    const { metadata, digest, held, removed, reconsent } = givenByPolicy(
      policySchema.parse(request),
      versions,
    )
    const members = (changes: typeof held) => changes.map(({ member }) => member)
    return {
      redirects: metadata.redirect_uris?.length,
      scope: metadata.scope,
      isOwn: digest !== undefined,
      held: members(held),
      removed: members(removed),
      reconsent: members(reconsent),
    }
  }
  const everything = {
    redirects: 2,
    scope: 'a b',
    isOwn: false,
    held: [],
    removed: [],
    reconsent: [],
  }
  const held = {
    redirects: 1,
    scope: 'a',
    isOwn: true,
    held: ['redirect_uris', 'scope'],
    removed: [],
    reconsent: [],
  }

  it.each<[string, TrustPolicyRequest, Parameters<typeof givenByPolicy>[1], object]>([
    ['accepts what widens', {}, { current: wide, baseline: old }, everything],
    ['CHG-07: holds what widens from what was approved', {}, { current: wide, approved: old }, held],
    [
      'CHG-07: holds what widens from the baseline, where the policy says so',
      { changes: 'hold_widening' },
      { current: wide, baseline: old },
      held,
    ],
    [
      'CHG-07: holds nothing of the first version',
      { changes: 'hold_widening' },
      { current: wide },
      everything,
    ],
    [
      'CHG-07: what was approved counts before the baseline',
      { changes: 'hold_widening' },
      { current: wide, approved: wide, baseline: old },
      everything,
    ],
    [
      'CHG-02: tells what consent is to be asked for again',
      { changes: 'require_reconsent' },
      { current: wide, baseline: old },
      { ...everything, reconsent: ['redirect_uris', 'scope'] },
    ],
    [
      'CHG-02: asks for no consent to what does not count',
      { changes: 'require_reconsent', scopes: ['a'] },
      { current: wide, baseline: old },
      { ...everything, scope: 'a', isOwn: true, removed: ['scope'], reconsent: ['redirect_uris'] },
    ],
    [
      'CHG-02: asks for none where none was given',
      { changes: 'require_reconsent' },
      { current: wide },
      everything,
    ],
    [
      'CHG-02: an approval binds even so',
      { changes: 'require_reconsent' },
      { current: wide, approved: old, baseline: old },
      held,
    ],
    [
      'DOC-11: takes out of what is left',
      { scopes: ['b'] },
      { current: wide, approved: old },
      { ...held, scope: '', removed: ['scope'] },
    ],
  ])('%s', (_, policy, versions, expected) => {
    expect(given(policy, versions)).toEqual(expected)
  })

  it('DOC-11: tells the limit of scopes where the document names none', () => {
    const limitOf = (scopes: string[] | null, document: ClientMetadata) =>
      givenByPolicy(policySchema.parse({ scopes }), { current: document }).scopeLimit
    expect(limitOf(['a'], documentOf({}))).toEqual(['a'])
    expect(limitOf(null, documentOf({}))).toBeUndefined()
    expect(limitOf(['a'], wide)).toBeUndefined()
  })
})

function documentOf(members: JsonObject): ClientMetadata {
  return Object.fromEntries([
    ['client_id', 'https://a.example.com/c'],
    ...Object.entries(members),
  ]) as ClientMetadata
}
