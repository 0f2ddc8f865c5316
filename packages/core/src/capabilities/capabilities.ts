import type { ClientMetadata } from '../document/client-metadata.ts'
import { pluralMethods } from '../document/credential-rules.ts'
import { effectiveGrantTypes, effectiveResponseTypes } from '../document/defaults.ts'
import { KEYS_IN_DOCUMENT } from '../document/key-rules.ts'
import type { AsMetadata } from './as-metadata.ts'
import { type AuthMethodChoice, chooseAuthMethod } from './auth-method.ts'
import type { CapabilityProblem } from './capability-problems.ts'
import { missingFeatures } from './required-features.ts'
import { type UnsupportedValue, unsupportedValues } from './value-support.ts'

/** Of one list that a client asks for, what a server can give it; both in the client's order. */
export type Intersection = { readonly usable: readonly string[]; readonly unsupported: readonly string[] }

/** What one authorization server can use of a document. */
export type Capabilities = {
  readonly grantTypes: Intersection
  readonly responseTypes: Intersection
  /** Undefined where the document leaves it to the server; so the next three. */
  readonly scopes: Intersection | undefined
  readonly authorizationDetailsTypes: Intersection | undefined
  readonly acrValues: Intersection | undefined
  readonly authMethods: Intersection | undefined
  readonly authMethod: AuthMethodChoice
  /** What a server is free to pass over, and the client may then not understand; no problem by itself. */
  readonly unsupportedValues: readonly UnsupportedValue[]
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
    ...voluntary(document, server),
    authMethod,
    unsupportedValues: unsupportedValues(document, server),
    problems: [
      ...(isEmptied(grantTypes) ? ['no_common_grant_type' as const] : []),
      ...(isEmptied(responseTypes) ? ['no_common_response_type' as const] : []),
      ...authProblems(document, server, authMethod),
      ...missingFeatures(document, server),
    ],
  }
}

type Voluntary = 'scopes' | 'authorizationDetailsTypes' | 'acrValues' | 'authMethods'

// What a request can do without, or what is judged elsewhere: none of it is a problem when nothing is left.
function voluntary(document: ClientMetadata, server: AsMetadata): Pick<Capabilities, Voluntary> {
  const scopes = document.scope?.split(' ').filter((scope) => scope !== '')
  return {
    scopes: stated(scopes, server.scopes_supported),
    authorizationDetailsTypes: stated(
      document.authorization_details_types,
      server.authorization_details_types_supported,
    ),
    acrValues: stated(document.default_acr_values, server.acr_values_supported),
    authMethods: stated(pluralMethods(document), server.token_endpoint_auth_methods_supported),
  }
}

// A server without the list has said nothing about its members (RFC 8414 section 2).
function stated(asked: readonly string[] | undefined, supported: readonly string[] | undefined) {
  return asked && intersect(asked, supported ?? asked)
}

function intersect(asked: readonly string[], supported: readonly string[]): Intersection {
  return {
    usable: asked.filter((item) => supported.includes(item)),
    unsupported: asked.filter((item) => !supported.includes(item)),
  }
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
  const keyless = document.jwks_uri === undefined && !document.jwks?.keys.length
  const algorithm = document.token_endpoint_auth_signing_alg
  const verified = server.token_endpoint_auth_signing_alg_values_supported
  const signs = choice.method === 'private_key_jwt'
  const unverifiable = algorithm !== undefined && verified !== undefined && !verified.includes(algorithm)
  return [
    ...(keyless && KEYS_IN_DOCUMENT.has(choice.method) ? ['key_source_missing' as const] : []),
    ...(signs && unverifiable ? ['signing_algorithm_unsupported' as const] : []),
  ]
}
