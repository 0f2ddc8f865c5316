import {
  ambiguous,
  deferred,
  type FailureFacts,
  refused,
  rejected,
  unreachable,
  withdrawn,
} from './failure-facts.ts'

/** Why a document could not be had, or what was had is no document (FET-04 to FET-24). */
export const FETCH_FAILURES = {
  address_blocked: refused(
    'The host resolves to a special-use address.',
    'Every A and AAAA record of the host must be a public address.',
  ),
  host_budget: deferred('Fetches from this host are being paced.', 'Wait for the time given and ask again.'),
  domain_budget: deferred(
    'Fetches from the hosts of this registrable domain are being paced.',
    'Wait for the time given and ask again.',
  ),
  fleet_budget: deferred(
    'The deployment fetches as much as it may; all fetches are being paced.',
    'Wait for the time given and ask again.',
  ),
  domain_capacity: deferred(
    'As many clients of this registrable domain are known as may be.',
    'Use one document for all installations; the operator may raise CIMD_CLIENTS_PER_DOMAIN_MAX.',
  ),
  tenant_capacity: deferred(
    'The authorization server uses as many clients as it may.',
    'Ask the operator: the quota `clients` of the tenant, or CIMD_CLIENTS_PER_TENANT_MAX, is reached.',
  ),
  overloaded: deferred(
    'Too many demands wait, or none is being answered: another would wait too long.',
    'Wait for the time given and ask again.',
  ),
  dns_not_found: unreachable('The host name does not resolve.', 'Check the A and AAAA records of the host.'),
  dns_failed: unreachable(
    'The name servers of the host did not answer usefully.',
    'Check the zone of the host.',
  ),
  dns_too_many: unreachable(
    'The host resolves to more addresses than we consider.',
    'Publish at most 16 addresses.',
  ),
  egress_denied: unreachable(
    "The deployment's egress proxy refuses the address.",
    'Ask the operator: two layers of the deployment disagree about a public address.',
  ),
  egress_unavailable: unreachable(
    "The deployment's egress proxy does not answer.",
    'Wait: the fault is not with the host of the document.',
  ),
  connect_failed: unreachable(
    'No address of the host accepted a connection.',
    'Check that the host serves port 443.',
  ),
  tls_failed: unreachable(
    'TLS failed, in its handshake or after it.',
    'Serve TLS 1.2 or newer with a complete chain, and check what stands before the server.',
  ),
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
  status_not_handled: unreachable(
    'The server answered that it did not deal with the request (408, 421, 425).',
    'Check what stands before the server: it must take a plain GET for the host at the first try.',
  ),
  bot_challenge: unreachable(
    'A bot protection answered instead of the document.',
    'Exempt the path of the document from challenges: authorization servers cannot solve them.',
  ),
  quarantined: unreachable(
    'Whatever processes the answer dies of it, so nothing is fetched for now.',
    'Publish a plain document, and ask the operator to release it; it is tried once a day.',
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
    'The Content-Type is not the one expected.',
    'Serve the document as application/json or application/<something>+json, a logo as PNG, JPEG, WebP or GIF.',
  ),
  content_encoding: rejected(
    'The body is encoded although identity was asked for.',
    'Honour Accept-Encoding: identity for the document.',
  ),
  too_large: rejected(
    'The document is larger than we read.',
    'Keep the document under 5 kB, a key set under 64 kB, a logo under 256 kB.',
  ),
} as const satisfies Record<string, FailureFacts>
