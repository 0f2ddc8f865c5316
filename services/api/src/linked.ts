import {
  type ClientMetadata,
  judgeKeySet,
  type KeySet,
  keySourceOf,
  keysOf,
  type LinkedKind,
  namedResources,
  type Usability,
  usabilityOf,
} from '@cimd/core'
import type { ClientView, ResourceView } from '@cimd/store'
import { type FreshnessBody, freshnessBody } from './freshness-body.ts'
import type { KeysBody, LogoBody } from './linked-schemas.ts'

/** The keys and the logo that go with a document, where it has any. */
export type LinkedBody = { readonly keys?: KeysBody; readonly logo?: LogoBody }

/**
 * What a document leads to, as it stands at `view.now`. Only what was fetched from the very URL the document names
 * counts: what another version named is never given (CHG-08). `freshness` is the document's, and of the keys in it.
 */
export function linkedBody(view: ClientView, metadata: ClientMetadata, freshness: FreshnessBody): LinkedBody {
  const keys = keysBody(view, metadata, freshness)
  const logo = logoBody(view, metadata)
  return { ...(keys && { keys }), ...(logo && { logo }) }
}

/** The resource behind a link of the document; `undefined` while nothing is known of it. */
function linkedResource(
  view: ClientView,
  metadata: ClientMetadata,
  kind: LinkedKind,
): ResourceView | undefined {
  const named = namedResources(metadata).find((link) => link.kind === kind)
  return view.resources.find((resource) => resource.kind === kind && resource.url === named?.url)
}

function keysBody(
  view: ClientView,
  metadata: ClientMetadata,
  freshness: FreshnessBody,
): KeysBody | undefined {
  const source = keySourceOf(metadata)
  if (source === undefined) return undefined
  const inline = keysOf(metadata)
  if (inline !== undefined) return readyKeys(source, inline, freshness)
  const resource = linkedResource(view, metadata, 'jwks')
  if (resource === undefined) return { status: 'pending', source }
  const usability = usabilityOf(resource.standing, view.now, view.terms)
  if (usability.kind === 'unusable') return { ...without(usability), source }
  // Bytes are judged again where they are read: a fetcher that was taken over gains nothing by writing (ARC-07).
  const judged = resource.body && judgeKeySet(resource.body)
  if (judged === undefined) return { status: 'pending', source }
  if (!judged.ok) return { status: 'unusable', source, code: judged.code }
  return readyKeys(source, judged.keySet, freshnessBody(usability, resource.standing))
}

function readyKeys(source: KeysBody['source'], { keys, digest }: KeySet, freshness: FreshnessBody): KeysBody {
  return { status: 'ready', source, jwks: { keys: keys.map(({ jwk }) => ({ ...jwk })) }, digest, freshness }
}

function logoBody(view: ClientView, metadata: ClientMetadata): LogoBody | undefined {
  if (!namedResources(metadata).some(({ kind }) => kind === 'logo')) return undefined
  const resource = linkedResource(view, metadata, 'logo')
  if (resource === undefined) return { status: 'pending' }
  const usability = usabilityOf(resource.standing, view.now, view.terms)
  if (usability.kind === 'unusable') return without(usability)
  const { image, standing } = resource
  if (image === undefined || standing.digest === undefined) return { status: 'pending' }
  const { contentType: content_type, width, height } = image
  const url = `/logos/${standing.digest}`
  return { status: 'ready', url, digest: standing.digest, content_type, width, height }
}

function without({ why }: Extract<Usability, { kind: 'unusable' }>) {
  if (why === 'unknown') return { status: 'pending' } as const
  return { status: 'unusable', code: why === 'expired' ? 'stale_expired' : why } as const
}
