import {
  type FetchEvidence,
  type FetchResult,
  parseClientIdUrl,
  RULES_VERSION,
  sha256Hex,
  UNKNOWN_STANDING,
} from '@cimd/core'
import type { Claim, ResourceClaim } from '@cimd/store'

// What the tests of a fetch tell their stories with.

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
export const clientId = parsedId.value

export const finishedAt = new Date('2026-11-20T12:00:00Z')

/** An instant so many seconds after the fetch. */
export function at(seconds: number): Date {
  return new Date(finishedAt.getTime() + seconds * 1000)
}

export const EVIDENCE: FetchEvidence = {
  ...{ phase: 'body', addresses: ['192.0.2.1'], status: 200, bodyBytes: 9, times: { totalMs: 0 } },
}

/** A client nothing is known of, which a user waits for. */
export const stranger: Claim = {
  ...{ client: '7', clientId, host: 'app.example.com', token: 'b3b0', generation: 4 },
  ...{ urgent: true, forced: false, claimedAt: at(-1), standing: UNKNOWN_STANDING },
  ...{ brake: undefined, version: undefined, validators: {}, lostClaims: 0 },
}

/** A key set of the same client that nothing is known of, and nobody waits for. */
export const unfetchedKeys: ResourceClaim = {
  ...{ resource: '3', client: '7', clientId, kind: 'jwks', token: 'b3b0', generation: 1 },
  ...{ url: 'https://keys.example.com/jwks', host: 'keys.example.com', urgent: false },
  ...{ claimedAt: at(-1), standing: UNKNOWN_STANDING, brake: undefined, body: undefined, validators: {} },
  lostClaims: 0,
}

export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** The smallest valid document of the client, with these members. */
export function documentWith(members: object): Uint8Array {
  return bytesOf({ client_id: clientId, redirect_uris: ['https://app.example.com/cb'], ...members })
}

/** A document as it is stored. */
export function versionOf(body: Uint8Array): NonNullable<Claim['version']> {
  return {
    ...{ digest: sha256Hex(body), body, contentType: 'application/json' },
    ...{ fetchedAt: at(-3600), rulesVersion: RULES_VERSION },
  }
}

/** A 200 with this body. */
export function answerWith(
  body: Uint8Array,
  given: Partial<Extract<FetchResult, { kind: 'fetched' }>> = {},
): FetchResult {
  return {
    ...{ kind: 'fetched', body, contentType: 'application/json', headers: {}, evidence: EVIDENCE },
    ...given,
  }
}
