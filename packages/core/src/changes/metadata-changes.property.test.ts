import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { misplacedTypes } from '../document/member-types.ts'
import { canonicalJson, type JsonObject, type JsonValue } from '../json/json.ts'
import { type MemberChange, own } from './member-change.ts'
import { MEANINGS } from './member-meanings.ts'
import { compareMetadata } from './metadata-changes.ts'

const word = fc.constantFrom('a', 'b', 'c', 'none', 'private_key_jwt', 'x', '')
const words = fc.array(word, { maxLength: 4 })
const keySet = fc.record({ keys: fc.array(fc.record({ kid: word, kty: word }), { maxLength: 3 }) })

/** One arbitrary for each JSON type that the registry knows; a member gets those that fit it. */
const SHAPES: readonly fc.Arbitrary<JsonValue>[] = [
  fc.array(word, { maxLength: 3 }).map((some) => some.join(' ')),
  words,
  fc.boolean(),
  fc.nat(3),
  keySet,
]
const PROBES: readonly JsonValue[] = ['a', ['a'], true, 1, { keys: [] }]

function valueFor(member: string): fc.Arbitrary<JsonValue> {
  return fc.oneof(...SHAPES.filter((_, index) => misplacedTypes(member, PROBES[index] ?? null).length === 0))
}

const MEMBERS = Object.keys(MEANINGS).filter((member) => member !== 'client_id')

/** Accepted documents of one client, as the cast says: each member of the registry has the type it should have. */
const documents = fc
  .tuple(
    fc.record(Object.fromEntries(MEMBERS.map((member) => [member, valueFor(member)])), { requiredKeys: [] }),
    fc.dictionary(fc.constantFrom('x', 'constructor', 'client_name#ja', '#', '__proto__'), fc.jsonValue()),
  )
  .map(([known, unknown]) => ({ client_id: 'https://a.example/c', ...known, ...unknown }) as ClientMetadata)

const membersOf = (changes: readonly MemberChange[]) => changes.map(({ member }) => member)

/** The same document in another order. What an unknown member holds may have an order, and so has a preference. */
function reordered(document: ClientMetadata): ClientMetadata {
  const entries = Object.entries(document).map(([member, value]) => {
    if (member === 'jwks') return [member, { keys: (value as { keys: JsonValue[] }).keys.toReversed() }]
    const isSet = Array.isArray(value) && member in MEANINGS && member !== 'default_acr_values'
    return [member, isSet ? value.toReversed() : value]
  })
  return Object.fromEntries(entries.toReversed())
}

describe('compareMetadata', () => {
  it('CHG-07: sees no change between a document and itself', () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(compareMetadata(document, structuredClone(document))).toEqual([])
      }),
    )
  })

  it('CHG-07: does not mind the order of members, of items and of keys', () => {
    const told = (changes: readonly MemberChange[]) => changes.map((change) => [change.member, change.class])
    fc.assert(
      fc.property(documents, documents, (before, after) => {
        const changes = compareMetadata(before, after)
        expect(told(compareMetadata(reordered(before), reordered(after)))).toEqual(told(changes))
      }),
    )
  })

  it('CHG-07: names the same members in both directions, sorted, and only those that differ', () => {
    fc.assert(
      fc.property(documents, documents, (before, after) => {
        const members = membersOf(compareMetadata(before, after))
        expect(members).toEqual(members.toSorted())
        expect(new Set(membersOf(compareMetadata(after, before)))).toEqual(new Set(members))
        const differing = Object.keys({ ...before, ...after }).filter((member) => {
          const [was, is] = [own(before, member), own(after, member)]
          if (was === undefined || is === undefined) return was !== is
          return canonicalJson(was) !== canonicalJson(is)
        })
        expect(members.filter((member) => !differing.includes(member))).toEqual([])
      }),
    )
  })

  it('CHG-08: swaps widening and narrowing of a set when it is read backwards', () => {
    const set = fc.constantFrom('redirect_uris', 'grant_types', 'request_uris', 'authorization_details_types')
    const flipped = { widening: 'narrowing', narrowing: 'widening' } as Record<string, string>
    fc.assert(
      fc.property(set, words, words, (member, before, after) => {
        const of = (items: readonly string[]) => ({ [member]: items }) as unknown as ClientMetadata
        const there = compareMetadata(of(before), of(after)).map((change) => flipped[change.class])
        const back = compareMetadata(of(after), of(before)).map((change) => change.class)
        expect(back.toSorted()).toEqual(there.toSorted())
      }),
    )
  })

  it('CHG-01: calls a redirect that is new widening, and nothing else so', () => {
    fc.assert(
      fc.property(words, words, (before, after) => {
        const of = (uris: readonly string[]) => ({ redirect_uris: uris }) as unknown as ClientMetadata
        const classes = compareMetadata(of(before), of(after)).map((change) => change.class)
        expect(classes.includes('widening')).toBe(after.some((uri) => !before.includes(uri)))
      }),
    )
  })

  it('CHG-07: finds nothing but cosmetics if and only if both documents mean the same', () => {
    const chosen = fc.record(
      {
        redirect_uris: words,
        scope: fc.constantFrom('', 'a', 'a b', 'b a', 'b  a a'),
        grant_types: fc.subarray(['authorization_code', 'implicit']),
        token_endpoint_auth_method: fc.constantFrom('none', '', 'private_key_jwt'),
        application_type: fc.constantFrom('web', 'native'),
        client_name: fc.constantFrom('', 'A'),
        dpop_bound_access_tokens: fc.boolean(),
        jwks: keySet,
        contacts: words,
        x: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(chosen, chosen, fc.integer({ min: 1, max: 3 }), (before, other, differing) => {
        // Few members differ, or hardly ever would two documents mean the same.
        const after = { ...before, ...Object.fromEntries(Object.entries(other).slice(0, differing)) }
        const of = (members: object) => members as unknown as ClientMetadata
        const changes = compareMetadata(of(before), of(after))
        const isCosmetic = changes.every((change) => change.class === 'cosmetic')
        expect(isCosmetic).toBe(meaning(before as JsonObject) === meaning(after as JsonObject))
      }),
      { numRuns: 1000 },
    )
  })
})

/** What a document says, in one form for each thing to say. Written apart from the code that it is compared with. */
function meaning(document: JsonObject): string {
  const set = (value: JsonValue | undefined) =>
    [...new Set(((value ?? []) as JsonValue[]).map(canonicalJson))].sort()
  const { scope, jwks, grant_types: grants } = document
  return JSON.stringify({
    redirects: set(document['redirect_uris']),
    scope: scope === undefined ? 'default' : set(String(scope).split(' ').filter(Boolean)),
    grants: set(grants ?? ['authorization_code']),
    method: document['token_endpoint_auth_method'] || 'none',
    web: document['application_type'] === 'web',
    name: document['client_name'] || undefined,
    dpop: document['dpop_bound_access_tokens'] === true,
    keys: set((jwks as { keys: JsonValue[] } | undefined)?.keys),
    contacts: set(document['contacts']),
  })
}
