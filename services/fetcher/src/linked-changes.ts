import {
  type ClientEvent,
  type ClientMetadata,
  documentKeysChanged,
  judgeKeySet,
  type KeySet,
  linkedLogoEvents,
  type NamedResource,
  namedResources,
  readStoredDocument,
} from '@cimd/core'
import type { Claim } from '@cimd/store'

/** What a valid document names besides itself, and what its difference from the version before ends or changes. */
export type LinkedChanges = {
  readonly resources: readonly NamedResource[]
  readonly events: readonly ClientEvent[]
}

/**
 * Compares what a valid document says of keys and logo with what the version before said. The keys and the image behind
 * a URL that is named no more count no more (CHG-08). Pure.
 */
export function linkedChanges(claim: Claim, body: Uint8Array): LinkedChanges | undefined {
  const after = metadataIn(claim, body)
  if (after === undefined) return undefined
  const resources = namedResources(after)
  const before = claim.version && metadataIn(claim, claim.version.body)
  if (before === undefined || body === claim.version?.body) return { resources, events: [] }
  const events = [
    ...documentKeysChanged(before, after, fetchedKeys(claim)),
    ...(logoUrl(before) === logoUrl(after) ? [] : logoEnds(claim.linked?.logoDigest)),
  ]
  return { resources, events }
}

// The URL as it is fetched: one that is spelt in another way leads to the same image.
function logoUrl(metadata: ClientMetadata): string | undefined {
  return namedResources(metadata).find(({ kind }) => kind === 'logo')?.url
}

function logoEnds(digest: string | undefined): readonly ClientEvent[] {
  return linkedLogoEvents({ state: 'valid', digest }, { state: 'valid', digest: undefined })
}

function fetchedKeys({ linked }: Claim): KeySet | undefined {
  const judged = linked?.keys && judgeKeySet(linked.keys)
  return judged?.ok ? judged.keySet : undefined
}

function metadataIn({ clientId }: Claim, body: Uint8Array): ClientMetadata | undefined {
  // What newer rules refuse had its keys and its logo all the same (CAC-12).
  const reading = readStoredDocument({ body, rulesVersion: 0 }, clientId)
  return reading.ok ? reading.metadata : undefined
}
