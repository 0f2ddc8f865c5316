import { DOCUMENT_FAILURES } from './document-failures.ts'
import type { FailureClass, FailureFacts } from './failure-facts.ts'
import { FETCH_FAILURES } from './fetch-failures.ts'
import { IDENTIFIER_FAILURES } from './identifier-failures.ts'
import { KEY_FAILURES } from './key-failures.ts'
import { LOGO_FAILURES } from './logo-failures.ts'

export type { FailureClass, FailureFacts } from './failure-facts.ts'

/**
 * Every way a client_id can fail, and what follows from it (ARC-09). Retry policy, metric labels, problem
 * types, command-line output and documentation derive from this table. Codes are public and stable.
 */
export const FAILURES = {
  ...IDENTIFIER_FAILURES,
  ...FETCH_FAILURES,
  ...DOCUMENT_FAILURES,
  ...LOGO_FAILURES,
  ...KEY_FAILURES,
} as const satisfies Record<string, FailureFacts>

export type FailureCode = keyof typeof FAILURES

export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code)
}

/** The class of a code: see `FAILURES`. */
export function classOf(code: FailureCode): FailureClass {
  return FAILURES[code].class
}
