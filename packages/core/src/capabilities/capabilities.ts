import type { ClientMetadata } from '../document/client-metadata.ts'
import { effectiveGrantTypes, effectiveResponseTypes } from '../document/defaults.ts'
import type { AsMetadata } from './as-metadata.ts'
import { type AuthMethodChoice, chooseAuthMethod } from './auth-method.ts'
import type { CapabilityProblem } from './capability-problems.ts'

/** Of one list that a client asks for, what a server can give it; both in the client's order. */
export type Intersection = { readonly usable: readonly string[]; readonly unsupported: readonly string[] }

/** What one authorization server can use of a document. */
export type Capabilities = {
  readonly grantTypes: Intersection
  readonly responseTypes: Intersection
  /** Undefined where the document leaves the scope to the server. */
  readonly scopes: Intersection | undefined
  readonly authMethod: AuthMethodChoice
  /** Empty if the server can serve the client. */
  readonly problems: readonly CapabilityProblem[]
}

/**
 * Intersects what a document asks for with what a server supports (DOC-11): a value that the server does not have is
 * left out, and is a problem only where nothing is left. It says nothing about the document's validity (POL-05).
 */
export function usableCapabilities(document: ClientMetadata, server: AsMetadata): Capabilities {
  const grantTypes = intersect(effectiveGrantTypes(document), server.grant_types_supported)
  const responseTypes = intersect(effectiveResponseTypes(document), server.response_types_supported)
  const authMethod = chooseAuthMethod(document, server.token_endpoint_auth_methods_supported)
  return {
    grantTypes,
    responseTypes,
    scopes:
      document.scope === undefined ? undefined : intersectScopes(document.scope, server.scopes_supported),
    authMethod,
    problems: [
      ...(isEmptied(grantTypes) ? ['no_common_grant_type' as const] : []),
      ...(isEmptied(responseTypes) ? ['no_common_response_type' as const] : []),
      ...authProblems(document, server, authMethod),
    ],
  }
}

function intersect(asked: readonly string[], supported: readonly string[]): Intersection {
  return {
    usable: asked.filter((item) => supported.includes(item)),
    unsupported: asked.filter((item) => !supported.includes(item)),
  }
}

// A server that lists no scopes has said nothing about them (RFC 8414 section 2).
function intersectScopes(scope: string, supported: readonly string[] | undefined): Intersection {
  const asked = scope.split(' ').filter((item) => item !== '')
  return intersect(asked, supported ?? asked)
}

function isEmptied({ usable, unsupported }: Intersection): boolean {
  return usable.length === 0 && unsupported.length > 0
}

function authProblems(
  document: ClientMetadata,
  server: AsMetadata,
  choice: AuthMethodChoice,
): readonly CapabilityProblem[] {
  if (!choice.ok) return [choice.problem]
  if (choice.method !== 'private_key_jwt') return []
  const keyless = document.jwks_uri === undefined && !document.jwks?.keys.length
  const algorithm = document.token_endpoint_auth_signing_alg
  const verified = server.token_endpoint_auth_signing_alg_values_supported
  const unverifiable = algorithm !== undefined && verified !== undefined && !verified.includes(algorithm)
  return [
    ...(keyless ? ['key_source_missing' as const] : []),
    ...(unverifiable ? ['signing_algorithm_unsupported' as const] : []),
  ]
}
