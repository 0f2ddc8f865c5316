import type { FailureClass, FailureCode } from '@cimd/core'
import { documentOf, jsonReply } from './documents.ts'
import type { HostFault } from './faulty-network.ts'
import { createTestKey } from './keys.ts'
import type { Handler, Reply } from './origin.ts'
import { HOUR, MINUTE } from './times.ts'

/** One way in which a fetch fails, and what that is called. */
export type Failure = {
  readonly what: string
  readonly class: Exclude<FailureClass, 'deferred'>
  readonly code: FailureCode
  /** What is wrong before anything is answered; absent: `answer` is what is wrong. */
  readonly fault?: HostFault
  readonly answer?: (url: string) => Reply | Handler
}

const unreachable = (code: FailureCode, what: string, how: How): Failure =>
  failure('unreachable', code, what, how)
const ambiguous = (code: FailureCode, what: string, how: How): Failure =>
  failure('ambiguous', code, what, how)
const withdrawn = (code: FailureCode, what: string, how: How): Failure =>
  failure('withdrawn', code, what, how)
const rejected = (code: FailureCode, what: string, how: How): Failure => failure('rejected', code, what, how)

const HTML = { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Hello</title>' }

/** Failures of any fetch, whatever is fetched, class by class. */
export const FETCH_FAILURES: readonly Failure[] = [
  failure('refused', 'address_blocked', 'a special-use address', 'special_use'),
  unreachable('dns_not_found', 'a name that is gone', 'nameless'),
  unreachable('dns_too_many', 'a name with too many addresses', 'many_addresses'),
  unreachable('connect_failed', 'a closed port', 'closed'),
  unreachable('timeout_connect', 'a host that says nothing', 'silent'),
  unreachable('tls_failed', 'a host without TLS', 'without_tls'),
  unreachable('tls_certificate_invalid', 'the certificate of a stranger', 'untrusted'),
  unreachable('timeout_response', 'a response that does not begin', () => () => {}),
  unreachable('timeout_body', 'a body that does not come', beginOnly),
  unreachable('response_incomplete', 'a connection that breaks', () => breakOff),
  unreachable('status_5xx', 'a 500', () => ({ status: 500 })),
  unreachable('status_5xx', 'a 503 with HTML', () => ({ ...HTML, status: 503 })),
  unreachable('status_429', 'a 429', () => ({ status: 429 })),
  unreachable('bot_challenge', 'the challenge of a bot protection', () => challenge),
  ambiguous('redirect', 'a redirect', (url) => ({ status: 302, headers: { location: `${url}/moved` } })),
  ambiguous('status_forbidden', 'a 401', () => ({ status: 401 })),
  ambiguous('status_forbidden', 'a 403 with HTML', () => ({ ...HTML, status: 403 })),
  ambiguous('status_forbidden', 'a 451', () => ({ status: 451 })),
  ambiguous('html_page', 'an HTML page', () => HTML),
  withdrawn('status_404', 'a 404', () => ({ status: 404 })),
  withdrawn('status_410', 'a 410', () => ({ status: 410 })),
  rejected('content_type', 'a wrong content type', () => ({
    ...HTML,
    headers: { 'content-type': 'text/css' },
  })),
  rejected('content_encoding', 'a compressed body', () => jsonReply({}, { 'content-encoding': 'gzip' })),
  rejected('status_unexpected', 'a 204', () => ({ status: 204 })),
]

/** Documents that are not valid. */
export const DOCUMENT_FAILURES: readonly Failure[] = [
  rejected('too_large', 'a document of 6 kB', (id) => reply(id, { client_name: 'x'.repeat(6000) })),
  rejected('json_invalid', 'no JSON', (id) => ({ ...reply(id), body: '{' })),
  rejected('client_id_mismatch', 'the client_id of another', (id) => reply(id, { client_id: `${id}x` })),
  rejected('forbidden_member', 'a client secret', (id) => reply(id, { client_secret: 'hush' })),
  rejected('symmetric_method', 'a method with a secret', (id) =>
    reply(id, { token_endpoint_auth_method: 'client_secret_basic' }),
  ),
  rejected('private_key', 'a private key', (id) =>
    reply(id, { jwks: { keys: [createTestKey('a').privateJwk] } }),
  ),
]

/** What was valid is fetched again after so many seconds, and fails. */
export const FAILED_AT = 10 * MINUTE

/** How long what was valid is used after its first failure. */
export const USABLE_SECONDS = {
  ...{ refused: 0, unreachable: 24 * HOUR, ambiguous: HOUR },
  ...{ withdrawn: 15 * MINUTE, rejected: 15 * MINUTE },
} as const satisfies Record<Failure['class'], number>

/** When use is looked at, from the first failure: on both sides of each of its ends, by more than a slow machine needs. */
export const AGES = [
  { age: 'at once', seconds: 0 },
  { age: '12 minutes', seconds: 12 * MINUTE },
  { age: '16 minutes', seconds: 16 * MINUTE },
  { age: '55 minutes', seconds: 55 * MINUTE },
  { age: '61 minutes', seconds: 61 * MINUTE },
  { age: '23 hours 50', seconds: 24 * HOUR - 10 * MINUTE },
  { age: '24 hours 10', seconds: 24 * HOUR + 10 * MINUTE },
] as const

/**
 * Services whose clients all fail together, which is not the brake's matter, on hosts of one registrable domain, which
 * is not the budgets'. Few at a time: what is slow for its machine has a code that is not its own.
 */
export const FAILURE_ENVIRONMENT = {
  ...{ CIMD_DOMAIN_CONCURRENCY: '1000', CIMD_DOMAIN_ATTEMPTS_PER_MINUTE: '1000000' },
  ...{ CIMD_BRAKE_CLIENTS_MIN: '1000000', CIMD_FETCH_DEADLINE_MS: '4000' },
  ...{ CIMD_FETCH_CONCURRENCY: '8', CIMD_REFRESH_CONCURRENCY: '8', CIMD_LOGO_DECODE_MS: '10000' },
  // A host that says nothing takes a decoder for as long as a fetch may last.
  CIMD_LOGO_CONCURRENCY: '4',
}

const STATUS = { refused: 422, unreachable: 502, ambiguous: 502, withdrawn: 422, rejected: 422 }

/** What is answered where nothing is left to be used. */
export function problemOf({ class: failureClass, code }: Pick<Failure, 'class' | 'code'>) {
  const status = STATUS[failureClass]
  return { status, body: { status, code, class: failureClass, retryable: status === 502 } }
}

type How = HostFault | NonNullable<Failure['answer']>

function failure(failureClass: Failure['class'], code: FailureCode, what: string, how: How): Failure {
  const wrong = typeof how === 'string' ? { fault: how } : { answer: how }
  return { what, class: failureClass, code, ...wrong }
}

function reply(clientId: string, members: Record<string, unknown> = {}): Reply {
  return jsonReply(documentOf(clientId, members))
}

const challenge: Reply = { ...HTML, status: 403, headers: { ...HTML.headers, 'cf-mitigated': 'challenge' } }

const breakOff: Handler = (_request, response) => void response.destroy()

function beginOnly(url: string): Handler {
  const type = url.endsWith('.png') ? 'image/png' : 'application/json'
  return (_request, response) => response.writeHead(200, { 'content-type': type }).flushHeaders()
}
