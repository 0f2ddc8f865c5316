import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { misplacedTypes } from '../document/member-types.ts'
import type { JsonValue } from '../json/json.ts'
import { effectiveDocument } from './effective-document.ts'
import { own } from './member-change.ts'
import { MEANINGS } from './member-meanings.ts'
import { compareMetadata } from './metadata-changes.ts'

const word = fc.constantFrom(
  'a',
  'b',
  'code',
  'authorization_code',
  'none',
  'private_key_jwt',
  'pairwise',
  'web',
  '',
)
const SHAPES: readonly (readonly [fc.Arbitrary<JsonValue>, probe: JsonValue])[] = [
  [word, 'a'],
  [fc.array(word, { maxLength: 4 }), ['a']],
  [fc.boolean(), true],
  [fc.nat(3), 1],
  [fc.record({ keys: fc.array(fc.record({ kid: word }), { maxLength: 2 }) }), { keys: [] }],
]

// An accepted document has it as a list or not at all (KEY-10).
const PLURAL = 'token_endpoint_auth_methods_supported'
const MEMBERS = Object.keys(MEANINGS).filter((member) => member !== 'client_id')

function valueFor(member: string): fc.Arbitrary<JsonValue> {
  return fc.oneof(
    ...SHAPES.filter(
      ([, probe]) =>
        misplacedTypes(member, probe).length === 0 && (member !== PLURAL || Array.isArray(probe)),
    ).map(([shape]) => shape),
  )
}

/** Accepted documents of one client that say something of the same few members, among unknown ones. */
const documentsOf = (count: number) =>
  fc.subarray(MEMBERS, { minLength: 1, maxLength: 6 }).chain((members) => {
    const known = fc.record(Object.fromEntries(members.map((member) => [member, valueFor(member)])), {
      requiredKeys: [],
    })
    const unknown = fc.dictionary(
      fc.constantFrom('x', 'constructor', '__proto__'),
      fc.jsonValue({ maxDepth: 1 }),
    )
    const document = fc
      .tuple(known, unknown)
      .map((parts) => ({ client_id: 'https://a.example/c', ...parts[0], ...parts[1] }) as ClientMetadata)
    return fc.array(document, { minLength: count, maxLength: count })
  })
const versions = documentsOf(2) as fc.Arbitrary<[ClientMetadata, ClientMetadata]>

const widening = (before: ClientMetadata, after: ClientMetadata): readonly string[] =>
  compareMetadata(before, after)
    .filter((change) => change.class === 'widening')
    .map(({ member }) => member)

/** Members of which each of two values can be wider than the other; of these the approved one stays. */
const EXCEPTIONS = [
  'backchannel_token_delivery_mode',
  'default_acr_values',
  'scope',
  'sector_identifier_uri',
  'software_statement',
  'subject_type',
  'token_endpoint_auth_method',
  'token_endpoint_auth_methods_supported',
]

const RUNS = { numRuns: 1000 }

describe('effectiveDocument', () => {
  it('CHG-07: is never wider than what was approved', () => {
    fc.assert(
      fc.property(versions, ([approved, current]) => {
        expect(widening(approved, effectiveDocument(approved, current).metadata)).toEqual([])
      }),
      RUNS,
    )
  })

  it('CHG-08: is never wider than the current version but for members that widen either way', () => {
    fc.assert(
      fc.property(versions, ([approved, current]) => {
        const wider = widening(current, effectiveDocument(approved, current).metadata)
        expect(wider.filter((member) => !EXCEPTIONS.includes(member))).toEqual([])
        // And of these what was approved stays.
        for (const member of wider) {
          expect(own(effectiveDocument(approved, current).metadata, member)).toEqual(own(approved, member))
        }
      }),
      RUNS,
    )
  })

  it('CHG-08: has every narrowing, every key and every name of the current version', () => {
    fc.assert(
      fc.property(versions, ([approved, current]) => {
        const { metadata, held } = effectiveDocument(approved, current)
        const waiting = new Set(held.map(({ member }) => member))
        // Either is read beside the other, so they wait together.
        const pair = ['token_endpoint_auth_method', PLURAL]
        if (pair.some((member) => waiting.has(member))) for (const member of pair) waiting.add(member)
        const names = Object.keys({ ...metadata, ...current }).filter((member) => !waiting.has(member))
        for (const member of names) expect(own(metadata, member)).toEqual(own(current, member))
      }),
      RUNS,
    )
  })

  it('CHG-07: is the approved document where it is the current one, and the current one where nothing widens', () => {
    fc.assert(
      fc.property(versions, ([approved, current]) => {
        expect(effectiveDocument(approved, approved)).toEqual({
          metadata: approved,
          held: [],
          digest: undefined,
        })
        const { metadata, held, digest } = effectiveDocument(approved, current)
        expect(held.map(({ member }) => member)).toEqual(widening(approved, current))
        expect([digest === undefined, metadata === current]).toEqual([held.length === 0, held.length === 0])
      }),
      RUNS,
    )
  })

  it('CHG-07: is what it is when it is made of itself', () => {
    fc.assert(
      fc.property(versions, ([approved, current]) => {
        const { metadata } = effectiveDocument(approved, current)
        expect(effectiveDocument(approved, metadata).metadata).toBe(metadata)
      }),
      RUNS,
    )
  })

  it('CHG-07: a change in small steps hides nothing: what came one by one is held together', () => {
    const uris = fc.array(fc.constantFrom('a:/', 'b:/', 'c:/', 'd:/'), { maxLength: 4 })
    fc.assert(
      fc.property(uris, fc.array(uris, { minLength: 1, maxLength: 5 }), (first, steps) => {
        const of = (redirects: readonly string[]) =>
          ({ redirect_uris: redirects }) as unknown as ClientMetadata
        const last = steps.at(-1) ?? []
        const { metadata, held } = effectiveDocument(of(first), of(last))
        expect(metadata.redirect_uris).toEqual(last.filter((uri) => first.includes(uri)))
        const came = new Set(last.filter((uri) => !first.includes(uri)))
        expect(held.map(({ after }) => after)).toEqual(came.size === 0 ? [] : [[...came]])
      }),
      RUNS,
    )
  })
})
