import type { ClientMetadata } from '../document/client-metadata.ts'
import type { ClientEvent } from '../event.ts'
import { namedResources } from '../life/named-resources.ts'
import { compareKeys, type KeySet, keysOf, NO_KEYS } from './key-set.ts'

/** Where a client's keys are published. */
export type KeySource = 'jwks' | 'jwks_uri'

/** Where a document says that its keys are, `undefined` if it says nothing (KEY-04). */
export function keySourceOf({ jwks, jwks_uri }: ClientMetadata): KeySource | undefined {
  if (jwks !== undefined) return 'jwks'
  return jwks_uri === undefined ? undefined : 'jwks_uri'
}

/** What is announced when the usable keys change: nothing if they are the same (CHG-03). */
export function keysChanged(
  source: KeySource,
  before: KeySet | undefined,
  after: KeySet,
): readonly ClientEvent[] {
  const was = before ?? NO_KEYS
  if (was.digest === after.digest) return []
  const { added, removed } = compareKeys(was, after)
  const from = before === undefined ? {} : { from_digest: before.digest }
  const data = { source, ...from, to_digest: after.digest, added: [...added], removed: [...removed] }
  return [{ type: 'client.keys_changed', data }]
}

/**
 * What a new version of the document changes about the keys at once: those in it, or that those behind another jwks_uri
 * count no more (CHG-08). `fetched`: the keys that were fetched from the jwks_uri of the version before.
 */
export function documentKeysChanged(
  before: ClientMetadata,
  after: ClientMetadata,
  fetched: KeySet | undefined,
): readonly ClientEvent[] {
  const source = keySourceOf(after) ?? keySourceOf(before)
  const url = keySetUrl(after)
  // One URL spelt in another way leads to the same keys.
  if (source === undefined || (url !== undefined && url === keySetUrl(before))) return []
  return keysChanged(source, keysOf(before) ?? fetched, keysOf(after) ?? NO_KEYS)
}

function keySetUrl(metadata: ClientMetadata): string | undefined {
  return namedResources(metadata).find(({ kind }) => kind === 'jwks')?.url
}
