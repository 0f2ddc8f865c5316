import type { FailureCode } from '../failure/failure.ts'
import { classifyContentType } from './content-type.ts'
import { RESOURCES, type ResourceKind } from './resource.ts'
import { type ResponseHead, singleValue } from './response-head.ts'
import { retryAfterOf } from './retry-after.ts'

export type ResponseCircumstances = {
  /** What was asked for; it decides which content types are taken (FET-13). A document if it is absent. */
  readonly resource?: ResourceKind
  /** Whether the request carried validators of a stored, still valid version (FET-06). */
  readonly validatorsSent: boolean
  /** How many bytes of the body would be read (FET-10). */
  readonly bodyBytesMax: number
  /** Wall clock, for a Retry-After that names a date. */
  readonly nowMs: number
}

/** What the head alone says: a body is worth reading, the stored version stands, or the attempt failed. */
export type ResponseVerdict =
  | { readonly kind: 'content'; readonly contentType: string }
  | { readonly kind: 'not_modified' }
  | ResponseFailure

export type ResponseFailure = {
  readonly kind: 'failed'
  readonly code: FailureCode
  readonly rule: string
  readonly detail: string
  readonly retryAfterSeconds?: number
}

/** Far above what an honest response has; counted because the byte cap alone admits thousands of short lines. */
const HEADER_LINES_MAX = 64

/**
 * Judges a response before its body is read: only 200 is success, and 304 where we asked (FET-04 to FET-06); only JSON
 * is a document, and other resources have types of their own (FET-07, FET-08, FET-13); only what is within bounds and not encoded is read (FET-10, FET-11).
 */
export function judgeResponse(head: ResponseHead, circumstances: ResponseCircumstances): ResponseVerdict {
  const { status, headers } = head
  if (status === 304 && circumstances.validatorsSent) return { kind: 'not_modified' }
  if (status !== 200) return statusFailure(head, circumstances.nowMs)
  // Absent is as good as empty: neither is the type of a document.
  const contentType = singleValue(headers, 'content-type') ?? ''
  return (
    headerLinesFailure(headers) ??
    contentTypeFailure(headers, contentType, circumstances.resource ?? 'document') ??
    codingFailure(headers) ??
    lengthFailure(headers, circumstances.bodyBytesMax) ?? { kind: 'content', contentType }
  )
}

type Headers = ResponseHead['headers']

const STATUS_CODES: ReadonlyMap<number, FailureCode> = new Map<number, FailureCode>([
  [304, 'not_modified_unasked'],
  [401, 'status_forbidden'],
  [403, 'status_forbidden'],
  [404, 'status_404'],
  [410, 'status_410'],
  [429, 'status_429'],
  [451, 'status_forbidden'],
  // The request was not dealt with, for reasons of the connection (RFC 9110 sections 15.5.9 and 15.5.20, RFC 8470):
  // whoever diverts us to another edge of the same network gets us a 421 there.
  [408, 'status_not_handled'],
  [421, 'status_not_handled'],
  [425, 'status_not_handled'],
])

const RULE_OF_STATUS: Readonly<Partial<Record<FailureCode, string>>> = {
  redirect: 'FET-05',
  not_modified_unasked: 'FET-06',
}

/** Fields that Cloudflare, AWS WAF and Vercel put on a challenge of theirs and on nothing else. */
const CHALLENGE_FIELDS = ['cf-mitigated', 'x-amzn-waf-action', 'x-vercel-mitigated']
/** The statuses those products challenge with: AWS WAF alone uses 202 and 405. */
const CHALLENGE_STATUSES: ReadonlySet<number> = new Set([202, 403, 405, 429, 503])

/** Enough of a Location to recognise the mistake; the rest is a stranger's text in our records. */
const LOCATION_CHARS_MAX = 200

function statusFailure(head: ResponseHead, nowMs: number): ResponseFailure {
  const { status, headers } = head
  const code = codeOfStatus(head)
  const location = headers.get('location')?.[0]
  const where =
    location === undefined ? '' : `, location ${JSON.stringify(location.slice(0, LOCATION_CHARS_MAX))}`
  const retryAfterSeconds = retryAfterOf(head, nowMs)
  return {
    ...failure(code, RULE_OF_STATUS[code] ?? 'FET-04', `status ${status}${where}`),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }
}

function codeOfStatus({ status, headers }: ResponseHead): FailureCode {
  const challenged = CHALLENGE_STATUSES.has(status) && CHALLENGE_FIELDS.some((name) => headers.has(name))
  if (challenged) return 'bot_challenge'
  const named = STATUS_CODES.get(status)
  if (named !== undefined) return named
  if (status >= 300 && status <= 399) return 'redirect'
  return status >= 500 && status <= 599 ? 'status_5xx' : 'status_unexpected'
}

function headerLinesFailure(headers: Headers): ResponseFailure | undefined {
  const lines = headers.values().reduce((sum, values) => sum + values.length, 0)
  if (lines <= HEADER_LINES_MAX) return undefined
  return failure('headers_too_large', 'FET-11', `more than ${HEADER_LINES_MAX} header lines`)
}

function contentTypeFailure(
  headers: Headers,
  contentType: string,
  resource: ResourceKind,
): ResponseFailure | undefined {
  const kind = classifyContentType(contentType)
  if (RESOURCES[resource].contentTypes.has(kind)) return undefined
  const detail = `Content-Type ${describeLines(headers.get('content-type'))}`
  return failure(kind === 'html' ? 'html_page' : 'content_type', 'FET-08', detail)
}

// Nothing is decoded but chunks: any other coding would hand over bytes that are not the document.
function codingFailure(headers: Headers): ResponseFailure | undefined {
  const encodings = headers.get('content-encoding') ?? []
  if (encodings.some((coding) => coding.trim().toLowerCase() !== 'identity')) {
    return failure('content_encoding', 'FET-11', `Content-Encoding ${describeLines(encodings)}`)
  }
  const transfers = headers.get('transfer-encoding') ?? []
  const isPlain =
    transfers.length <= 1 && transfers.every((coding) => coding.trim().toLowerCase() === 'chunked')
  if (isPlain) return undefined
  return failure('response_malformed', 'FET-11', `Transfer-Encoding ${describeLines(transfers)}`)
}

function lengthFailure(headers: Headers, bodyBytesMax: number): ResponseFailure | undefined {
  const length = singleValue(headers, 'content-length')
  if (length === undefined || !(Number(length) > bodyBytesMax)) return undefined
  return failure('too_large', 'FET-10', `Content-Length ${length}, at most ${bodyBytesMax} bytes are read`)
}

function describeLines(values: readonly string[] = []): string {
  return values.length === 0 ? 'absent' : values.map((value) => JSON.stringify(value)).join(', ')
}

function failure(code: FailureCode, rule: string, detail: string): ResponseFailure {
  return { kind: 'failed', code, rule, detail }
}
