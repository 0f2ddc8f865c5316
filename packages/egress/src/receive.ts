import type { ResponseHead } from '@cimd/core'
import type { Dispatcher } from 'undici'
import type { Attempt } from './attempt.ts'
import { FetchError } from './fetch-error.ts'
import { type HeaderLines, headerLines } from './header-lines.ts'

/** What is made of a response as it arrives; what one of these returns is had, and ends the reading. */
export type ResponseReader<Received> = {
  /** Throws to refuse, before a byte of the body is read. */
  head(head: ResponseHead): Received | undefined
  data(chunk: Uint8Array): Received | undefined
  end(): Received
}

/** A reader, and how many bytes of a body it can have use for. */
export type Reading<Received> = { readonly bodyBytesMax: number; readonly reader: ResponseReader<Received> }

/** Interim responses are ignored (FET-28); a flood of them, each within the bound of headers, is not. */
const INTERIM_RESPONSES_MAX = 3

/**
 * Takes a response as the parser reads it, with nothing in between that would buffer: what is refused ends the
 * connection in the middle of the parser's step (FET-10, FET-11).
 */
export function receive<Received>(
  reader: ResponseReader<Received>,
  attempt: Attempt,
): { readonly handler: Dispatcher.DispatchHandler; readonly received: Promise<Received> } {
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  let interim = 0
  let isHad = false
  const take = (received: Received | undefined): void => {
    if (received === undefined) return
    isHad = true
    resolve(received)
  }
  const start = (status: number, raw: unknown): void => {
    const headers = headerLines(raw)
    attempt.note({ status, ...typeOf(headers) })
    take(reader.head({ status, headers }))
    if (!isHad) attempt.enter('body')
  }
  const handler: Dispatcher.DispatchHandler = {
    // What is thrown here, undici makes the error of the request.
    onResponseStart: (controller, status) => {
      if (status >= 200) return start(status, controller.rawHeaders)
      interim += 1
      if (interim <= INTERIM_RESPONSES_MAX) return
      throw new FetchError('headers_too_large', `more than ${INTERIM_RESPONSES_MAX} interim responses`)
    },
    onResponseData: (_controller, chunk) => {
      if (isHad) return
      attempt.arrived(chunk.byteLength)
      take(reader.data(chunk))
    },
    onResponseEnd: () => {
      if (isHad) return
      try {
        take(reader.end())
      } catch (error) {
        reject(error)
      }
    },
    onResponseError: (_controller, error) => reject(error),
    // Without it undici refuses to dispatch; a switch of protocols that nobody asked for it refuses by itself.
    onRequestStart: () => undefined,
  }
  return { handler, received: promise }
}

function typeOf(headers: HeaderLines): { readonly contentType?: string } {
  const values = headers.get('content-type')
  return values === undefined ? {} : { contentType: values.join(', ') }
}
