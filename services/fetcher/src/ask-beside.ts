import type { AskNameServers, NameServersAnswer } from '@cimd/core'

const UNKNOWN: NameServersAnswer = { kind: 'unknown' }

/** A question for name servers that runs beside a fetch, until it is disposed of. */
export type QuestionBeside = Disposable & {
  /** Whether it was asked at all. */
  readonly isAsked: boolean
  /** The answer, for which is waited `graceMs` at most; what fails or comes later is `unknown`. */
  readonly answer: (graceMs: number) => Promise<NameServersAnswer>
}

/** No question. */
export const ASKED_NOTHING: QuestionBeside = {
  isAsked: false,
  answer: async () => UNKNOWN,
  [Symbol.dispose]: () => {},
}

/** Asks for the name servers of a domain while something else goes on, which nothing that becomes of it can disturb (CHG-05). */
export function askBeside(ask: AskNameServers, domain: string): QuestionBeside {
  const over = new AbortController()
  const asked = ask(domain, over.signal).catch(() => UNKNOWN)
  return {
    isAsked: true,
    answer: async (graceMs) => {
      const timer = setTimeout(() => over.abort(), graceMs)
      try {
        return await asked
      } finally {
        clearTimeout(timer)
      }
    },
    [Symbol.dispose]: () => over.abort(),
  }
}
