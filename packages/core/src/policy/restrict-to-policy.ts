import { chooseAuthMethod } from '../capabilities/auth-method.ts'
import { wordsOf } from '../changes/compare-sets.ts'
import type { MemberChange } from '../changes/member-change.ts'
import { compareMetadata } from '../changes/metadata-changes.ts'
import { sha256Hex } from '../digest.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { pluralMethods } from '../document/credential-rules.ts'
import { effectiveGrantTypes } from '../document/defaults.ts'
import { stringsMember } from '../document/member-types.ts'
import { canonicalJson } from '../json/json.ts'
import type { TrustPolicy } from './policy-schema.ts'

/** What of a document a policy lets an authorization server use. */
export type RestrictedDocument = {
  readonly metadata: ClientMetadata
  /** What was taken out: each narrows. */
  readonly removed: readonly MemberChange[]
  /** sha-256 of its canonical JSON; undefined where nothing was taken out. */
  readonly digest: string | undefined
}

/**
 * The document with no grant type, response type, scope and authentication method but those of the policy (DOC-11,
 * KEY-10). Never wider than it came. A document without `scope` stays without: what counts then is the default of the
 * server, of which nobody here knows what it holds.
 */
export function restrictToPolicy(policy: TrustPolicy, document: ClientMetadata): RestrictedDocument {
  const metadata = [restrictGrants, restrictScope, restrictAuthMethods].reduce(
    (restricted, restrict) => restrict(policy, restricted),
    document,
  )
  if (metadata === document) return { metadata, removed: [], digest: undefined }
  const removed = compareMetadata(document, metadata)
  return { metadata, removed, digest: sha256Hex(canonicalJson(metadata)) }
}

function restrictGrants({ grant_types: permitted }: TrustPolicy, document: ClientMetadata): ClientMetadata {
  if (permitted === null) return document
  const grants = effectiveGrantTypes(document)
  const left = grants.filter((grant) => permitted.includes(grant))
  const restricted = left.length < grants.length ? withMembers(document, { grant_types: left }) : document
  const types = stringsMember(document, 'response_types')
  const usable = types?.filter((type) => grantsOf(type).every((grant) => permitted.includes(grant)))
  // Without the member the default follows the grants.
  if (types === undefined || usable === undefined || usable.length === types.length) return restricted
  return withMembers(restricted, { response_types: usable })
}

/** The grants that a response type belongs to (RFC 7591 section 2.1). */
function grantsOf(responseType: string): readonly string[] {
  const parts = wordsOf(responseType)
  return [
    ...(parts.includes('code') ? ['authorization_code'] : []),
    ...(parts.includes('token') || parts.includes('id_token') ? ['implicit'] : []),
  ]
}

function restrictScope({ scopes: permitted }: TrustPolicy, document: ClientMetadata): ClientMetadata {
  if (permitted === null || document.scope === undefined) return document
  const asked = wordsOf(document.scope)
  const left = asked.filter((scope) => permitted.includes(scope))
  return left.length < asked.length ? withMembers(document, { scope: left.join(' ') }) : document
}

// Where methods are chosen from, those that are not admitted go; but not the strongest, since the rest would prove less
// than the client means to (KEY-11).
function restrictAuthMethods(
  { auth_methods: permitted }: TrustPolicy,
  document: ClientMetadata,
): ClientMetadata {
  const plural = pluralMethods(document)
  if (permitted === null || plural === undefined) return document
  const choice = chooseAuthMethod(document, permitted)
  const left = plural.filter((method) => permitted.includes(method))
  if (!choice.ok || left.length === plural.length) return document
  const restricted = withMembers(document, {
    token_endpoint_auth_methods_supported: left,
    ...(document.token_endpoint_auth_method !== undefined && { token_endpoint_auth_method: choice.method }),
  })
  const widens = compareMetadata(document, restricted).some((change) => change.class === 'widening')
  return widens ? document : restricted
}

function withMembers(document: ClientMetadata, members: Partial<ClientMetadata>): ClientMetadata {
  const rest = Object.entries(document).filter(([member]) => !Object.hasOwn(members, member))
  // Each member keeps its type, and `fromEntries` sets one that is named __proto__ as any other.
  return Object.fromEntries([...rest, ...Object.entries(members)]) as ClientMetadata
}
