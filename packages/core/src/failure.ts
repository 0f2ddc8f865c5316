/** Who is taken to have spoken when an attempt fails; it decides what happens to the last valid document. */
export type FailureClass = 'refused' | 'deferred' | 'unreachable' | 'ambiguous' | 'withdrawn' | 'rejected'

type OAuthError = 'invalid_client' | 'invalid_request' | 'temporarily_unavailable'

type FailureFacts = {
  readonly class: FailureClass
  /** Whether asking again later, with nothing changed by the publisher, can succeed. */
  readonly retryable: boolean
  readonly oauthError: OAuthError
  /** One line for an operator or the problem title. */
  readonly summary: string
  /** What the client's developer can do about it. */
  readonly advice: string
}

const refused = (summary: string, advice: string): FailureFacts => ({
  class: 'refused',
  retryable: false,
  oauthError: 'invalid_client',
  summary,
  advice,
})
const deferred = (summary: string, advice: string): FailureFacts => ({
  class: 'deferred',
  retryable: true,
  oauthError: 'temporarily_unavailable',
  summary,
  advice,
})
const unreachable = (summary: string, advice: string): FailureFacts => ({
  class: 'unreachable',
  retryable: true,
  oauthError: 'temporarily_unavailable',
  summary,
  advice,
})
const ambiguous = (summary: string, advice: string): FailureFacts => ({
  class: 'ambiguous',
  retryable: true,
  oauthError: 'invalid_client',
  summary,
  advice,
})
const withdrawn = (summary: string, advice: string): FailureFacts => ({
  class: 'withdrawn',
  retryable: false,
  oauthError: 'invalid_client',
  summary,
  advice,
})
const rejected = (summary: string, advice: string): FailureFacts => ({
  class: 'rejected',
  retryable: false,
  oauthError: 'invalid_client',
  summary,
  advice,
})

/**
 * Every way a client_id can fail, and what follows from it (ARC-09). Retry policy, metric labels, problem
 * types, command-line output and documentation derive from this table. Codes are public and stable.
 */
export const FAILURES = {
  url_invalid: refused(
    'The client_id is not a client identifier URL.',
    'Use an absolute https URL with a path and without userinfo, fragment or dot segments.',
  ),
  url_too_long: refused('The client_id is longer than 2048 bytes.', 'Choose a shorter URL.'),
  non_canonical: refused(
    'A URL parser would change this client_id, so what is fetched would differ from what is compared.',
    'Publish and use the URL in its canonical spelling: lower-case scheme and host, no default port.',
  ),
  port_not_allowed: refused(
    'The client_id names a port this deployment does not fetch from.',
    'Serve it on port 443.',
  ),
  host_not_public: refused(
    'The host of the client_id is an IP literal, a single label or a special-use name.',
    'Serve the document from a public host name.',
  ),
  address_blocked: refused(
    'The host resolves to a special-use address.',
    'Every A and AAAA record of the host must be a public address.',
  ),
  host_budget: deferred('Fetches from this host are being paced.', 'Wait for the time given and ask again.'),
  dns_not_found: unreachable('The host name does not resolve.', 'Check the A and AAAA records of the host.'),
  dns_failed: unreachable(
    'The name servers of the host did not answer usefully.',
    'Check the zone of the host.',
  ),
  dns_too_many: unreachable(
    'The host resolves to more addresses than we consider.',
    'Publish at most 16 addresses.',
  ),
  connect_failed: unreachable(
    'No address of the host accepted a connection.',
    'Check that the host serves port 443.',
  ),
  tls_failed: unreachable('The TLS handshake failed.', 'Serve TLS 1.2 or newer with a complete chain.'),
  tls_certificate_invalid: unreachable(
    'The certificate is not valid for the host.',
    'Serve a certificate for the host from a public authority, not expired, with its chain.',
  ),
  timeout_dns: unreachable('The name servers took too long.', 'Check the name servers of the host.'),
  timeout_connect: unreachable('Connecting took too long.', 'Check that the host answers on port 443.'),
  timeout_response: unreachable(
    'The response began too late.',
    'Serve the document without computing it per request.',
  ),
  timeout_body: unreachable('The body arrived too slowly.', 'Serve the document as a static file.'),
  response_incomplete: unreachable(
    'The connection ended before the body did.',
    'Check proxies before the origin.',
  ),
  response_malformed: unreachable(
    'The answer is not well-formed HTTP/1.1.',
    'Check the server and its proxies.',
  ),
  headers_too_large: unreachable('The response headers exceed our bounds.', 'Send fewer or shorter headers.'),
  status_5xx: unreachable('The server answered with an error of its own.', 'Check the logs of the server.'),
  status_429: unreachable(
    'The server asks us to slow down.',
    'Allow our user agent more requests for the document.',
  ),
  bot_challenge: unreachable(
    'A bot protection answered instead of the document.',
    'Exempt the path of the document from challenges: authorization servers cannot solve them.',
  ),
  redirect: ambiguous(
    'The server answered with a redirect, which is never followed.',
    'Serve the document with status 200 at exactly the client_id.',
  ),
  status_forbidden: ambiguous(
    'The server refuses access to the document.',
    'Serve the document to everybody, without authentication.',
  ),
  html_page: ambiguous('The server answered with an HTML page.', 'Serve the JSON document at the client_id.'),
  status_404: withdrawn('The document is not there (404).', 'Publish the document at exactly the client_id.'),
  status_410: withdrawn('The document is gone (410).', 'Publish the document at exactly the client_id.'),
  status_unexpected: rejected(
    'The status is neither 200 nor one with a meaning here.',
    'Answer a plain GET with status 200.',
  ),
  not_modified_unasked: rejected(
    'The server answered 304 to a request without validators.',
    'Answer with status 200.',
  ),
  content_type: rejected(
    'The Content-Type is not JSON.',
    'Serve the document as application/json or application/<something>+json.',
  ),
  content_encoding: rejected(
    'The body is encoded although identity was asked for.',
    'Honour Accept-Encoding: identity for the document.',
  ),
  too_large: rejected('The document is larger than we read.', 'Keep the document under 5 kB.'),
  encoding_invalid: rejected(
    'The document is not UTF-8.',
    'Save the document as UTF-8 without a byte order mark.',
  ),
  json_invalid: rejected('The document is not JSON.', 'Check the document with a JSON parser.'),
  json_not_object: rejected('The document is JSON but not an object.', 'The top level must be an object.'),
  json_too_deep: rejected('The document is nested too deeply.', 'Flatten the document.'),
  json_unstorable: rejected(
    'The document holds a value that cannot be kept faithfully.',
    'Avoid the NUL character, lone surrogates and numbers out of range.',
  ),
  duplicate_member: rejected('A member name occurs twice in one object.', 'Give every member once.'),
  client_id_missing: rejected(
    'The document has no client_id.',
    'Add client_id with exactly the URL of the document.',
  ),
  client_id_mismatch: rejected(
    'The client_id in the document is not the URL it was fetched from.',
    'Make client_id equal, character by character, to the URL of the document.',
  ),
  forbidden_member: rejected(
    'The document holds a member that must not appear.',
    'Remove client_secret and client_secret_expires_at.',
  ),
  symmetric_method: rejected(
    'The document asks for a method based on a shared secret.',
    'Use none, private_key_jwt or another method without a shared secret.',
  ),
  private_key: rejected(
    'The document holds private or symmetric key material.',
    'Publish public keys only, and replace the exposed key.',
  ),
  keys_ambiguous: rejected('The document has both jwks and jwks_uri.', 'Keep one of the two.'),
  member_type: rejected(
    'A member has the wrong JSON type.',
    'Give every member the type its registry entry names.',
  ),
  redirect_uris_missing: rejected(
    'A grant that uses redirects is declared without redirect_uris.',
    'List at least one redirect URI.',
  ),
  redirect_uri_invalid: rejected(
    'A redirect URI cannot be accepted.',
    'Use absolute URIs without fragment: https, loopback http, or a private-use scheme.',
  ),
  uri_member_invalid: rejected(
    'A URI member is not an absolute https URL.',
    'Use https for all linked resources.',
  ),
} as const satisfies Record<string, FailureFacts>

export type FailureCode = keyof typeof FAILURES

export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code)
}

/** The class of a code: see `FAILURES`. */
export function classOf(code: FailureCode): FailureClass {
  return FAILURES[code].class
}
