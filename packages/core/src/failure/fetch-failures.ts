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
} as const satisfies Record<string, FailureFacts>
