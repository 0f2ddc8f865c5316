import { classifyContentType, type FailureCode } from '@cimd/core'
import { EgressError } from './egress-error.ts'
import { type HeaderLines, singleValue } from './header-lines.ts'
import { parseRetryAfter } from './retry-after.ts'

type Circumstances = { readonly asked: boolean; readonly nowMs: number }

const STATUS_CODES: ReadonlyMap<number, FailureCode> = new Map<number, FailureCode>([
  [401, 'status_forbidden'],
  [403, 'status_forbidden'],
  [404, 'status_404'],
  [410, 'status_410'],
  [429, 'status_429'],
  [451, 'status_forbidden'],
])

/** Fields that Cloudflare, AWS WAF and Vercel put on a challenge of theirs and on nothing else. */
const CHALLENGE_FIELDS = ['cf-mitigated', 'x-amzn-waf-action', 'x-vercel-mitigated']
/** The statuses those products challenge with: AWS WAF alone uses 202 and 405. */
const CHALLENGE_STATUSES: ReadonlySet<number> = new Set([202, 403, 405, 429, 503])

/** Far above what an honest response has; counted because the byte cap alone admits thousands of short lines. */
const HEADER_LINES_MAX = 64
/** Enough of a Location to recognise the mistake; the rest is a stranger's text in our records. */
const LOCATION_CHARS_MAX = 200

/**
 * Only 200 is success, and 304 when we asked (FET-04, FET-05, FET-06); every other status throws its failure.
 * `asked` says whether validators were sent.
 */
export function judgeStatus(
  status: number,
  headers: HeaderLines,
  { asked, nowMs }: Circumstances,
): 'ok' | 'not_modified' {
  if (status === 200) return 'ok'
  if (status === 304 && asked) return 'not_modified'
  throw new EgressError(failureOfStatus(status, headers), describe(status, headers), {
    retryAfterSeconds: parseRetryAfter(singleValue(headers, 'retry-after'), nowMs),
  })
}

/** Refuses by the head alone what need not be read (FET-07, FET-08, FET-10, FET-11); returns the Content-Type. */
export function judgeRepresentation(headers: HeaderLines, bodyBytesMax: number): string {
  if (countLines(headers) > HEADER_LINES_MAX)
    throw new EgressError('headers_too_large', `more than ${HEADER_LINES_MAX} header lines`)
  const contentType = judgeContentType(headers)
  judgeCodings(headers)
  const length = singleValue(headers, 'content-length')
  if (length !== undefined && Number(length) > bodyBytesMax)
    throw new EgressError('too_large', `Content-Length ${length}, at most ${bodyBytesMax} bytes are read`)
  return contentType
}

function failureOfStatus(status: number, headers: HeaderLines): FailureCode {
  if (isChallenge(status, headers)) return 'bot_challenge'
  if (status === 304) return 'not_modified_unasked'
  if (status >= 300 && status <= 399) return 'redirect'
  if (status >= 500 && status <= 599) return 'status_5xx'
  return STATUS_CODES.get(status) ?? 'status_unexpected'
}

function isChallenge(status: number, headers: HeaderLines): boolean {
  return CHALLENGE_STATUSES.has(status) && CHALLENGE_FIELDS.some((name) => headers.has(name))
}

function describe(status: number, headers: HeaderLines): string {
  const location = headers.get('location')?.[0]
  return location === undefined
    ? `status ${status}`
    : `status ${status}, location ${JSON.stringify(location.slice(0, LOCATION_CHARS_MAX))}`
}

function judgeContentType(headers: HeaderLines): string {
  const contentType = singleValue(headers, 'content-type')
  const kind = classifyContentType(contentType)
  if (kind === 'html') throw new EgressError('html_page', `Content-Type ${JSON.stringify(contentType)}`)
  if (contentType === undefined || kind === 'other')
    throw new EgressError('content_type', `Content-Type ${describeLines(headers.get('content-type'))}`)
  return contentType
}

/** undici decodes nothing but chunks: any other coding would hand over bytes that are not the document. */
function judgeCodings(headers: HeaderLines): void {
  const encodings = headers.get('content-encoding') ?? []
  if (encodings.some((coding) => coding.trim().toLowerCase() !== 'identity'))
    throw new EgressError('content_encoding', `Content-Encoding ${describeLines(encodings)}`)
  const transfers = headers.get('transfer-encoding') ?? []
  if (transfers.length > 1 || transfers.some((coding) => coding.trim().toLowerCase() !== 'chunked'))
    throw new EgressError('response_malformed', `Transfer-Encoding ${describeLines(transfers)}`)
}

function describeLines(values: readonly string[] = []): string {
  return values.length === 0 ? 'absent' : values.map((value) => JSON.stringify(value)).join(', ')
}

function countLines(headers: HeaderLines): number {
  return headers.values().reduce((sum, values) => sum + values.length, 0)
}
