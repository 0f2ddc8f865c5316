import type { FailureCode } from '@cimd/core'

/** What the codes of ssrf-cases.json are called here; several where we tell apart what the cases do not. */
export const CODES: Readonly<Record<string, readonly FailureCode[]>> = {
  url_scheme: ['url_scheme', 'non_canonical', 'url_host_missing'],
  url_not_canonical: ['non_canonical'],
  url_forbidden_char: ['url_character', 'url_escape'],
  url_invalid: ['url_unparsable', 'host_invalid', 'port_invalid'],
  url_host_ip_literal: ['host_ip_literal'],
  url_userinfo: ['url_userinfo'],
  url_fragment: ['url_fragment'],
  url_path_missing: ['url_path_missing'],
  url_dot_segment: ['url_dot_segment', 'url_dot_segment_escaped'],
  url_port: ['port_not_allowed', 'port_invalid'],
  url_host_trailing_dot: ['host_trailing_dot'],
  url_host_syntax: ['host_invalid', 'host_special_use'],
  url_host_single_label: ['host_single_label', 'host_special_use'],
  url_host_special_use: ['host_special_use'],
  ip_special_use: ['address_blocked'],
  ip_unparseable: ['address_blocked'],
  dns_address_forbidden: ['address_blocked'],
  dns_no_records: ['dns_not_found'],
  dns_failed: ['dns_failed'],
  dns_timeout: ['timeout_dns'],
  dns_too_many_records: ['dns_too_many'],
  connect_timeout: ['timeout_connect'],
  connect_failed: ['connect_failed', 'tls_failed'],
  tls_cert_invalid: ['tls_certificate_invalid'],
  tls_handshake: ['tls_failed'],
  response_timeout: ['timeout_response', 'timeout_body'],
  deadline_exceeded: ['timeout_response', 'timeout_body'],
  headers_too_large: ['headers_too_large'],
  informational_flood: ['headers_too_large'],
  wire_limit: ['too_large'],
  body_too_large: ['too_large'],
  content_encoding: ['content_encoding'],
  transfer_encoding: ['response_malformed'],
  http_redirect: ['redirect'],
  http_status: ['status_unexpected', 'status_404'],
  content_type: ['content_type'],
  response_malformed: ['response_malformed', 'response_incomplete'],
  response_truncated: ['response_incomplete'],
  body_not_object: ['json_not_object'],
  body_not_json: ['json_invalid', 'byte_order_mark'],
  body_not_utf8: ['encoding_invalid'],
}

/** What else a case may end in: which comes first is for the machine to say. */
export const ENDS_AS_WELL: Readonly<Record<string, readonly FailureCode[]>> = {
  // In TLS 1.3 the alert comes when our handshake is over and the request is on its way; a reset may overtake it.
  'srv-tls-client-cert-required': ['response_incomplete'],
}

/** Cases that we accept and the collection would refuse, by our rules. */
export const ACCEPTED_BY_US: Readonly<Record<string, string>> = {
  'url-path-root': 'the draft allows the root path; it is a warning',
  'url-chars-crlf-encoded':
    'RFC 3986 allows the escape; it travels undecoded, inside TLS, to the origin it names',
  'url-chars-nul-encoded': 'as above',
  'url-chars-encoded-slash': 'as above; addresses of code hosting sites have it (a/b as one segment)',
  'url-chars-encoded-backslash': 'as above',
}

/** Cases that no test here can run. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  'url-type-number': "types and the api's request schema leave no way for what is no string",
  'env-egress-host-gateway': 'needs a container engine whose internal network has a gateway',
}
