import type { FailureCode, FetchPhase } from '@cimd/core'
import { errors } from 'undici'

/** What the one deadline is called, by the phase in which it struck (FET-23). */
export const TIMEOUT_OF_PHASE: Readonly<Record<FetchPhase, FailureCode>> = {
  url: 'timeout_dns',
  dns: 'timeout_dns',
  connect: 'timeout_connect',
  tls: 'timeout_connect',
  headers: 'timeout_response',
  body: 'timeout_body',
}

/** What an error of the operating system or of the name server means, by the phase it came in. */
const DEFAULT_OF_PHASE: Readonly<Record<FetchPhase, FailureCode>> = {
  url: 'url_unparsable',
  dns: 'dns_failed',
  connect: 'connect_failed',
  tls: 'tls_failed',
  headers: 'response_incomplete',
  body: 'response_incomplete',
}

const CODES: ReadonlyMap<string, FailureCode> = new Map<string, FailureCode>([
  ['ENOTFOUND', 'dns_not_found'],
  ['ENODATA', 'dns_not_found'],
  ['ETIMEOUT', 'timeout_dns'],

  ['CERT_CHAIN_TOO_LONG', 'tls_certificate_invalid'],
  ['CERT_HAS_EXPIRED', 'tls_certificate_invalid'],
  ['CERT_NOT_YET_VALID', 'tls_certificate_invalid'],
  ['CERT_REJECTED', 'tls_certificate_invalid'],
  ['CERT_REVOKED', 'tls_certificate_invalid'],
  ['CERT_SIGNATURE_FAILURE', 'tls_certificate_invalid'],
  ['CERT_UNTRUSTED', 'tls_certificate_invalid'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_certificate_invalid'],
  ['ERROR_IN_CERT_NOT_AFTER_FIELD', 'tls_certificate_invalid'],
  ['ERROR_IN_CERT_NOT_BEFORE_FIELD', 'tls_certificate_invalid'],
  ['ERR_TLS_CERT_ALTNAME_FORMAT', 'tls_certificate_invalid'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_certificate_invalid'],
  ['HOSTNAME_MISMATCH', 'tls_certificate_invalid'],
  ['INVALID_CA', 'tls_certificate_invalid'],
  ['INVALID_PURPOSE', 'tls_certificate_invalid'],
  ['PATH_LENGTH_EXCEEDED', 'tls_certificate_invalid'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_certificate_invalid'],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'tls_certificate_invalid'],
  ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'tls_certificate_invalid'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'tls_certificate_invalid'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls_certificate_invalid'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_certificate_invalid'],
  // Node's name for every verification error of OpenSSL that it has no name for.
  ['UNSPECIFIED', 'tls_certificate_invalid'],

  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  ['HPE_INVALID_EOF_STATE', 'response_incomplete'],
  ['UND_ERR_ABORTED', 'response_incomplete'],
  ['UND_ERR_HEADERS_OVERFLOW', 'headers_too_large'],
  ['UND_ERR_INFO', 'response_incomplete'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'response_incomplete'],
  ['UND_ERR_SOCKET', 'response_incomplete'],
])

const PREFIXES: readonly (readonly [string, FailureCode])[] = [
  ['ERR_SSL_', 'tls_failed'],
  ['ERR_TLS_', 'tls_failed'],
  ['HPE_', 'response_malformed'],
]

const READING: ReadonlySet<FetchPhase> = new Set(['headers', 'body'])

/** Faults of this machine, which say nothing about the origin and must stay exceptions. */
const OWN_FAULTS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS'])

/** Whether this machine has run out of something, whatever it was about to do. */
export function isOwnFault(error: unknown): boolean {
  return OWN_FAULTS.has(codeOf(error) ?? '')
}

/**
 * The failure code for an error of Node or undici, decided by its `code` and never by its message;
 * `undefined` when the error is not the origin's doing and must propagate.
 */
export function failureOf(error: unknown, phase: FetchPhase): FailureCode | undefined {
  const code = codeOf(error)
  // The parser's errors carry a code for some violations of HTTP and none for the others.
  if (code === undefined) return error instanceof errors.HTTPParserError ? 'response_malformed' : undefined
  if (isOwnFault(error)) return undefined
  // undici asserts on a few answers that its parser lets through, such as a status of 000.
  if (code === 'ERR_ASSERTION' && READING.has(phase)) return 'response_malformed'
  const byCode = CODES.get(code) ?? PREFIXES.find(([prefix]) => code.startsWith(prefix))?.[1]
  if (byCode !== undefined) return byCode
  // Codes of the operating system and of c-ares have no underscore; Node's own (ERR_...) all have one.
  return /^E[A-Z0-9]+$/.test(code) ? DEFAULT_OF_PHASE[phase] : undefined
}

/** The `code` of a Node error, for a detail line. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** The name of an error, for the detail line of one without a code. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
