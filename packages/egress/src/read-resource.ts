import type { ResourceKind, ResponseHead, ResponseVerdict } from '@cimd/core'
import { collectBody } from './body.ts'
import { FetchError } from './fetch-error.ts'
import type { HeaderLines } from './header-lines.ts'
import type { ResponseReader } from './receive.ts'

/** A response that was worth reading to its end. */
export type Resource =
  | {
      readonly kind: 'content'
      readonly contentType: string
      readonly headers: HeaderLines
      readonly body: Uint8Array
    }
  | { readonly kind: 'not_modified'; readonly headers: HeaderLines }

/** What decides on a response: its head is judged before a byte of its body is read. */
type Judging = {
  readonly resource: ResourceKind
  readonly judge: (head: ResponseHead) => ResponseVerdict
  readonly bodyBytesMax: number
}

/** Reads a resource to its end, or not at all. */
export function readResource({ resource, judge, bodyBytesMax }: Judging): ResponseReader<Resource> {
  const body = collectBody(bodyBytesMax)
  let accepted = { contentType: '', headers: new Map() as HeaderLines }
  return {
    head: (head) => {
      const verdict = judge(head)
      if (verdict.kind === 'failed') throw new FetchError(verdict.code, verdict.detail, verdict)
      const { headers } = head
      if (verdict.kind === 'not_modified') return { ...verdict, headers }
      accepted = { contentType: verdict.contentType, headers }
      return undefined
    },
    data: (chunk) => {
      body.add(chunk)
      return undefined
    },
    end: () => {
      const bytes = body.taken()
      if (isDelimited(accepted.headers) || isWholeByItself(resource, bytes))
        return { kind: 'content', ...accepted, body: bytes }
      throw new FetchError('response_incomplete', 'the connection ended, and nothing says the body did')
    },
  }
}

/** Whether the head says where the body ends; otherwise the end of the connection does (RFC 9112 section 6.3). */
function isDelimited(headers: HeaderLines): boolean {
  return headers.has('content-length') || headers.has('transfer-encoding')
}

/**
 * Anybody on the way can end a connection, and neither Node nor undici tells a bare end from one that TLS vouches for.
 * What was cut off a JSON object is seen, what was cut off an image is not (FET-24).
 */
function isWholeByItself(resource: ResourceKind, bytes: Uint8Array): boolean {
  if (resource === 'logo') return false
  try {
    JSON.parse(new TextDecoder().decode(bytes))
    return true
  } catch {
    return false
  }
}
