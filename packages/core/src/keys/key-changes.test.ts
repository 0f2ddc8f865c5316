import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { EVENT_DATA } from '../event.ts'
import type { JsonObject } from '../json/json.ts'
import { documentKeysChanged, keySourceOf, keysChanged } from './key-changes.ts'
import { keySetOf, keysOf, NO_KEYS } from './key-set.ts'

const key = (x: string): JsonObject => ({ kty: 'EC', crv: 'P-256', x: x.repeat(43), y: x.repeat(43) })
const documentOf = (members: object) => ({ client_id: 'https://a.example/c', ...members }) as ClientMetadata
const inline = (...keys: readonly JsonObject[]) => documentOf({ jwks: { keys } })
const linked = (path: string) => documentOf({ jwks_uri: `https://a.example/${path}` })
const [A, B] = [keysOf(inline(key('A'))) ?? NO_KEYS, keysOf(inline(key('B'))) ?? NO_KEYS]
const printOf = ({ keys }: typeof A) => keys.map(({ thumbprint }) => thumbprint)

describe('keySourceOf (KEY-04)', () => {
  it.each([
    [inline(), 'jwks'],
    [linked('jwks'), 'jwks_uri'],
    [documentOf({}), undefined],
  ])('of %j is %s', (metadata, source) => {
    expect(keySourceOf(metadata)).toBe(source)
  })
})

describe('keysChanged (CHG-03)', () => {
  it('announces what came and what went, in the form the event promises', () => {
    const [event, ...more] = keysChanged('jwks_uri', A, B)
    expect(more).toEqual([])
    expect(event).toEqual({
      type: 'client.keys_changed',
      data: {
        ...{ source: 'jwks_uri', from_digest: A.digest, to_digest: B.digest },
        ...{ added: printOf(B), removed: printOf(A) },
      },
    })
    expect(EVENT_DATA['client.keys_changed'].safeParse(event?.data).success).toBe(true)
  })

  it('announces the first keys without a digest before them', () => {
    expect(keysChanged('jwks_uri', undefined, A)).toMatchObject([
      { data: { added: printOf(A), removed: [] } },
    ])
    expect(keysChanged('jwks_uri', undefined, A)[0]?.data).not.toHaveProperty('from_digest')
  })

  it('announces nothing of the same keys, nor of none after none', () => {
    expect(keysChanged('jwks', A, keySetOf(A.keys))).toEqual([])
    expect(keysChanged('jwks', undefined, NO_KEYS)).toEqual([])
  })
})

describe('documentKeysChanged (CHG-03, CHG-08)', () => {
  it.each<[string, ClientMetadata, ClientMetadata, object]>([
    [
      'keys in it that differ',
      inline(key('A')),
      inline(key('B')),
      { source: 'jwks', added: printOf(B), removed: printOf(A) },
    ],
    [
      'keys in it for the first time',
      documentOf({}),
      inline(key('B')),
      { source: 'jwks', added: printOf(B), removed: printOf(A) },
    ],
    ['another jwks_uri', linked('a'), linked('b'), { source: 'jwks_uri', added: [], removed: printOf(A) }],
    [
      'no jwks_uri any more',
      linked('a'),
      documentOf({}),
      { source: 'jwks_uri', added: [], removed: printOf(A) },
    ],
    [
      'keys in it instead of a jwks_uri',
      linked('a'),
      inline(key('B')),
      { source: 'jwks', added: printOf(B), removed: printOf(A) },
    ],
    [
      'a jwks_uri instead of keys in it',
      inline(key('B')),
      linked('b'),
      { source: 'jwks_uri', added: [], removed: printOf(B) },
    ],
  ])('announces %s', (_, before, after, data) => {
    expect(documentKeysChanged(before, after, A)).toMatchObject([{ data }])
  })

  it.each([
    'https://a.example/a',
    'https://A.example/a',
    'https://a.example:443/a',
    'https://a.example/x/../a',
  ])('leaves to the fetch what is behind the same jwks_uri, spelt %s', (jwks_uri) => {
    expect(documentKeysChanged(linked('a'), documentOf({ jwks_uri }), A)).toEqual([])
  })

  it('announces nothing where keys neither were nor are', () => {
    expect(documentKeysChanged(documentOf({}), documentOf({}), undefined)).toEqual([])
    expect(documentKeysChanged(documentOf({}), linked('a'), undefined)).toEqual([])
  })
})
