import { type ResponseHead, retryAfterOf } from '@cimd/core'
import { collectBody } from './body.ts'
import type { ResponseReader } from './receive.ts'

/** What the receiver of a POST said. */
export type Answer = {
  readonly status: number
  readonly retryAfterSeconds?: number
  readonly bodyText: string
}

/** A reader that can be asked for what it has at any time. */
export type AnswerReader = ResponseReader<Answer> & {
  /** The answer so far; `undefined` before its head is complete. */
  seen(): Answer | undefined
}

/** Takes any status, and of the body as much as is kept: whatever follows is for nobody to read. */
export function readAnswer(bodyBytesMax: number, nowMs: () => number): AnswerReader {
  const body = collectBody(bodyBytesMax)
  let room = bodyBytesMax
  let answered: Omit<Answer, 'bodyText'> | undefined
  const seen = () => answered && { ...answered, bodyText: displayText(body.taken()) }
  return {
    head: (head) => {
      answered = answerOf(head, nowMs())
      return undefined
    },
    data: (chunk) => {
      const kept = chunk.subarray(0, room)
      body.add(kept)
      room -= kept.byteLength
      return room === 0 ? seen() : undefined
    },
    end: () => {
      const answer = seen()
      if (answer === undefined) throw new TypeError('a response ended before it began')
      return answer
    },
    seen,
  }
}

function answerOf(head: ResponseHead, nowMs: number): Omit<Answer, 'bodyText'> {
  const retryAfterSeconds = retryAfterOf(head, nowMs)
  return { status: head.status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
}

/** Control and format characters, such as those that turn the direction of what follows, and breaks of lines. */
const NOT_SHOWN = /[\p{C}\p{Zl}\p{Zp}]/gu

/** A stranger's bytes as one line of text; a character that the end cut in two is left out. */
function displayText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true }).replaceAll(NOT_SHOWN, '')
}
