import { judgeKeySet, UNKNOWN_STANDING } from '@cimd/core'
import type { Claim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import {
  answerWith,
  bytesOf,
  documentWith,
  EVIDENCE,
  finishedAt,
  stranger,
  versionOf,
} from './claims.fixture.ts'
import { evaluateFetch } from './evaluate-fetch.ts'

const KEY = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }
const judged = judgeKeySet(bytesOf({ keys: [KEY] }))
if (!judged.ok) throw new Error(judged.code)
const { keySet } = judged
const [thumbprint] = keySet.keys.map((key) => key.thumbprint)
const logoDigest = '1'.repeat(64)

/** A client whose version before says what `members` say, with keys and logo fetched. */
function knownWith(members: object): Claim {
  const version = versionOf(documentWith(members))
  return {
    ...stranger,
    standing: { ...UNKNOWN_STANDING, state: 'valid', digest: version.digest },
    version,
    linked: { keys: new TextEncoder().encode(keySet.text), logoDigest, eventSeq: 1 },
  }
}
const evaluate = (claim: Claim, result: Parameters<typeof evaluateFetch>[1]) =>
  evaluateFetch(claim, result, finishedAt, 0)
const LINKED = { jwks_uri: 'https://app.example.com/jwks', logo_uri: 'https://app.example.com/l.png' }
const RESOURCES = [
  { kind: 'jwks', url: 'https://app.example.com/jwks', host: 'app.example.com' },
  { kind: 'logo', url: 'https://app.example.com/l.png', host: 'app.example.com' },
]
const linkedEvents = (claim: Claim, members: object) =>
  evaluate(claim, answerWith(documentWith(members))).events.filter(({ type }) => /keys|logo/.test(type))

describe('evaluateFetch of a document that names keys and logo', () => {
  it('names them with a first version, and announces nothing of them yet', () => {
    const record = evaluate(stranger, answerWith(documentWith(LINKED)))
    expect(record.resources).toEqual(RESOURCES)
    expect(record.events.map(({ type }) => type)).toEqual(['client.discovered'])
  })

  it('names them with the same version and with a 304 too: an older release did not', () => {
    const known = knownWith(LINKED)
    expect(evaluate(known, answerWith(documentWith(LINKED))).resources).toEqual(RESOURCES)
    expect(evaluate(known, { kind: 'not_modified', headers: {}, evidence: EVIDENCE }).resources).toEqual(
      RESOURCES,
    )
  })

  it('CAC-07: leaves what is stored through a failure', () => {
    const failed = { kind: 'failed', code: 'status_404', detail: '', evidence: EVIDENCE } as const
    expect(evaluate(knownWith(LINKED), failed)).not.toHaveProperty('resources')
    expect(evaluate(knownWith(LINKED), answerWith(bytesOf({})))).not.toHaveProperty('resources')
  })

  it('CHG-08: announces that keys and logo behind URLs it has left count no more', () => {
    const events = linkedEvents(knownWith(LINKED), {
      jwks_uri: 'https://app.example.com/other',
      logo_uri: 'https://app.example.com/other.png',
    })
    expect(events).toMatchObject([
      { type: 'client.keys_changed', data: { source: 'jwks_uri', added: [], removed: [thumbprint] } },
      { type: 'client.logo_changed', data: { from_digest: logoDigest } },
    ])
  })

  it('announces nothing of them where it still names the same', () => {
    expect(linkedEvents(knownWith(LINKED), { ...LINKED, client_name: 'B' })).toEqual([])
  })

  it('announces nothing where it spells the same URLs in another way: rows are not begun anew for that', () => {
    const respelt = {
      jwks_uri: 'https://APP.example.com/jwks',
      logo_uri: 'https://app.example.com:443/l.png',
    }
    expect(linkedEvents(knownWith(LINKED), respelt)).toEqual([])
    expect(evaluate(knownWith(LINKED), answerWith(documentWith(respelt))).resources).toEqual(RESOURCES)
  })

  it('announces nothing of keys and logo that were never there', () => {
    const { linked: _, ...known } = knownWith(LINKED)
    expect(linkedEvents(known, {})).toEqual([])
  })

  it('CHG-03: announces keys within it that differ', () => {
    const known = {
      ...knownWith({ jwks: { keys: [] } }),
      linked: { keys: undefined, logoDigest: undefined, eventSeq: 1 },
    }
    expect(linkedEvents(known, { jwks: { keys: [KEY] } })).toMatchObject([
      { type: 'client.keys_changed', data: { source: 'jwks', added: [thumbprint], removed: [] } },
    ])
  })
})
