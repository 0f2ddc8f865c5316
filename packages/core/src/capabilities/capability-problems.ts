/** Why an authorization server cannot serve a valid client: code -> what follows from it. */
export type CapabilityFacts = {
  /** What the server may answer; RFC 6749 section 4.1.2.1 (FET-22 leaves the code open). */
  readonly oauthError: 'unauthorized_client' | 'unsupported_response_type'
  readonly summary: string
  readonly advice: string
}

/**
 * The problems between a client and one authorization server (DOC-11, POL-05). None of them makes the document
 * invalid: another server may serve the same client.
 */
export const CAPABILITY_PROBLEMS = {
  no_common_grant_type: {
    oauthError: 'unauthorized_client',
    summary: 'The server has none of the grants that the client asks for.',
    advice: 'List a grant that the server has in grant_types.',
  },
  no_common_response_type: {
    oauthError: 'unsupported_response_type',
    summary: 'The server has none of the response types that the client asks for.',
    advice: 'List a response type that the server has in response_types.',
  },
  no_common_auth_method: {
    oauthError: 'unauthorized_client',
    summary:
      'The server has none of the authentication methods that the client declares; one that lists none has client_secret_basic (RFC 8414).',
    advice: 'Declare a method that the server has, in token_endpoint_auth_methods_supported too.',
  },
  auth_method_downgrade: {
    oauthError: 'unauthorized_client',
    summary: 'The server could serve this client only with weaker authentication than it declares.',
    advice: 'List the weaker method in token_endpoint_auth_methods_supported if it is meant to be used.',
  },
  signing_algorithm_unsupported: {
    oauthError: 'unauthorized_client',
    summary: 'The server does not verify assertions with the algorithm that the client signs with.',
    advice: 'Sign with an algorithm of token_endpoint_auth_signing_alg_values_supported.',
  },
  key_source_missing: {
    oauthError: 'unauthorized_client',
    summary: 'The client authenticates with a key, and its document has none.',
    advice: 'Publish jwks_uri or jwks with at least one public key.',
  },
  dpop_unsupported: {
    oauthError: 'unauthorized_client',
    summary:
      'The client insists on access tokens that are bound by DPoP, which the server does not say it has.',
    advice: 'Leave dpop_bound_access_tokens out, or use a server with dpop_signing_alg_values_supported.',
  },
  certificate_binding_unsupported: {
    oauthError: 'unauthorized_client',
    summary:
      'The client insists on access tokens that are bound to its certificate, and the server binds none.',
    advice:
      'Leave tls_client_certificate_bound_access_tokens out, or use a server whose metadata has it as true.',
  },
  pushed_requests_unsupported: {
    oauthError: 'unauthorized_client',
    summary: 'The client insists on pushed authorization requests, for which the server has no endpoint.',
    advice:
      'Leave require_pushed_authorization_requests out, or use a server with pushed_authorization_request_endpoint.',
  },
} as const satisfies Record<string, CapabilityFacts>

export type CapabilityProblem = keyof typeof CAPABILITY_PROBLEMS
