import { createPrivateKey, createPublicKey } from 'node:crypto'
import { DAY, HOUR, type Instant } from './kinds.ts'
import type { Client } from './population.ts'
import { unit } from './random.ts'

/** The document of a client as its publisher has it at one instant. */
export type Revision = {
  readonly number: number
  readonly text: string
}

/** Before then nothing changes, so that every client is known when something does. */
const UNCHANGED_SECONDS = 12 * HOUR
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The number of the revision that is published at an instant: the changes there were before it. */
function revisionAt({ kind, seed }: Client, at: Instant): number {
  if (kind.changes === undefined || at < UNCHANGED_SECONDS) return 0
  const period = kind.changes.everyDays * DAY
  const whole = Math.floor((at - UNCHANGED_SECONDS) / period)
  const changesAt = UNCHANGED_SECONDS + (whole + unit(seed, 20, whole)) * period
  return whole + (at >= changesAt ? 1 : 0)
}

/** The document of a client at an instant. */
export function documentAt(client: Client, at: Instant): Revision {
  const number = revisionAt(client, at)
  return { number, text: textOf(client, number) }
}

/** The key set behind its jwks_uri at an instant. */
export function keySetAt(client: Client, at: Instant): Revision {
  const number = revisionAt(client, at)
  return { number, text: JSON.stringify(keySet(client, number)) }
}

function textOf(client: Client, revision: number): string {
  const changed = (change: string) => timesChanged(client, change, revision)
  const document = {
    client_id: client.clientId,
    client_name: `Client ${client.index}, edition ${changed('name')}`,
    redirect_uris: redirectUris(client, revision),
    token_endpoint_auth_method: 'none',
    ...(client.kind.linkedKeys && { jwks_uri: jwksUriOf(client) }),
    ...(!client.kind.linkedKeys &&
      changed('key') >= 0 &&
      hasKeys(client) && { jwks: keySet(client, revision) }),
  }
  return JSON.stringify(document) + ' '.repeat(changed('white_space'))
}

/** How many of the first `revision` changes were of this sort. */
function timesChanged({ kind }: Client, change: string, revision: number): number {
  const of = kind.changes?.of ?? []
  return Array.from({ length: revision }, (_, nth) => of[nth % of.length]).filter((one) => one === change)
    .length
}

function hasKeys({ kind }: Client): boolean {
  return kind.changes?.of.includes('key') ?? false
}

function redirectUris(client: Client, revision: number): string[] {
  const guest = guestRedirect(client, revision)
  return [`https://${client.host}/callback`, ...(guest === undefined ? [] : [guest])]
}

/** The redirect URI that a revision lists for a while; every one is new. */
function guestRedirect(client: Client, revision: number): string | undefined {
  const added = timesChanged(client, 'redirect_added', revision)
  const removed = timesChanged(client, 'redirect_removed', revision)
  return added > removed ? `https://${client.host}/guest/${added}` : undefined
}

/** The redirect URI added last, listed still or not: what somebody may ask for. */
export function lastGuest(client: Client, at: Instant): string | undefined {
  const added = timesChanged(client, 'redirect_added', revisionAt(client, at))
  return added === 0 ? undefined : `https://${client.host}/guest/${added}`
}

/** Where its keys are, for a client that does not list them. */
export function jwksUriOf({ host, index }: Client): string {
  return `https://${host}/clients/${index}/jwks.json`
}

function keySet({ seed }: Client, revision: number): { keys: object[] } {
  const privateKey = createPrivateKey({
    key: Buffer.concat([ED25519_PKCS8_PREFIX, seedBytes(seed, revision)]),
    ...{ format: 'der', type: 'pkcs8' },
  })
  const key = createPublicKey(privateKey).export({ format: 'jwk' })
  return { keys: [{ ...key, kid: `key-${revision}`, use: 'sig', alg: 'EdDSA' }] }
}

function seedBytes(seed: number, revision: number): Buffer {
  return Buffer.from(Array.from({ length: 32 }, (_, nth) => Math.floor(unit(seed, 21, revision, nth) * 256)))
}
