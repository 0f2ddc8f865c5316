import { describe, expect, it } from 'vitest'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { keysOf, NO_KEYS } from '../keys/key-set.ts'
import type { ClientState } from './client-record.ts'
import { linkedKeysEvents, linkedLogoEvents } from './linked-events.ts'

const keysNamed = (x: string) => {
  const key = { kty: 'EC', crv: 'P-256', x: x.repeat(43), y: x.repeat(43) }
  return keysOf({ jwks: { keys: [key] } } as unknown as ClientMetadata) ?? NO_KEYS
}
const [A, B] = [keysNamed('A'), keysNamed('B')]
const [valid, failing] = ['valid', 'failing'] as const
const [withdrawn, rejected] = ['withdrawn', 'rejected'] as const

describe('linkedKeysEvents (CHG-03)', () => {
  it.each<[string, ClientState, ClientState]>([
    ['fails', valid, failing],
    ['is back in time', failing, valid],
    ['is gone still', withdrawn, withdrawn],
  ])('says nothing of a key set that %s', (_, before, after) => {
    expect(linkedKeysEvents({ state: before, keySet: A }, { state: after, keySet: A })).toEqual([])
  })

  it('tells the keys that came and went', () => {
    const [event] = linkedKeysEvents({ state: valid, keySet: A }, { state: valid, keySet: B })
    expect(event).toMatchObject({
      type: 'client.keys_changed',
      data: { source: 'jwks_uri', from_digest: A.digest, to_digest: B.digest },
    })
  })

  it('tells the first keys without any before them', () => {
    const [event] = linkedKeysEvents({ state: 'discovering', keySet: undefined }, { state: valid, keySet: A })
    expect(event?.data).toEqual({
      ...{ source: 'jwks_uri', to_digest: A.digest },
      ...{ added: [A.keys[0]?.thumbprint], removed: [] },
    })
  })

  it.each<ClientState>(['withdrawn', 'rejected'])('tells that all are gone, and are back: %s', (state) => {
    const [there, gone] = [
      { state: failing, keySet: A },
      { state, keySet: A },
    ]
    const thumbprints = [A.keys[0]?.thumbprint]
    expect(linkedKeysEvents(there, gone)).toMatchObject([{ data: { added: [], removed: thumbprints } }])
    expect(linkedKeysEvents(gone, there)).toMatchObject([{ data: { added: thumbprints, removed: [] } }])
  })

  it('says nothing of keys that never were there', () => {
    expect(
      linkedKeysEvents({ state: withdrawn, keySet: undefined }, { state: valid, keySet: undefined }),
    ).toEqual([])
  })
})

describe('linkedLogoEvents (UI-04)', () => {
  it.each<[string, ClientState, string | undefined, ClientState, string | undefined, object | undefined]>([
    ['the first image', 'discovering', undefined, valid, 'a', { to_digest: 'a' }],
    ['another image', valid, 'a', valid, 'b', { from_digest: 'a', to_digest: 'b' }],
    ['one that fails', valid, 'a', failing, 'a', undefined],
    ['one that is gone', failing, 'a', rejected, 'a', { from_digest: 'a' }],
    ['one that is back', withdrawn, 'a', valid, 'a', { to_digest: 'a' }],
    ['one that never was there', withdrawn, undefined, valid, undefined, undefined],
  ])('tells of %s what there is to tell', (_, was, from, state, to, data) => {
    const events = linkedLogoEvents({ state: was, digest: from }, { state, digest: to })
    expect(events).toEqual(data === undefined ? [] : [{ type: 'client.logo_changed', data }])
  })
})
