import { type FailureCode, isFailureCode } from './failure.ts'

/**
 * What a publisher may want to mend although the document is accepted (DOC-10, DOC-11): code -> one line for the
 * client's developer. Codes are public, stable, and never equal to a failure code.
 */
export const WARNINGS = {
  member_empty: 'A member is an empty string or null, which is read as if it were absent.',
  member_ignored: 'A member is not in the form we know, so it is ignored.',
  keys_missing: 'private_key_jwt is declared without a key to verify it with.',
  uri_not_https: 'A URI member is not an absolute https URL, so it is not shown or followed.',
  redirect_localhost:
    'A redirect URI uses localhost, which a hosts file can point elsewhere; prefer 127.0.0.1.',
  redirect_loopback_web: 'A web client lists a loopback redirect, whose port is then compared as written.',
  redirect_scheme_undotted:
    'A private-use redirect scheme is not a reversed domain name, so others may claim it.',
} as const satisfies Record<string, string>

export type WarningCode = keyof typeof WARNINGS

/** One observation about an identifier or a document, with the number of the rule that it comes from. */
export type Finding<Code extends string = FailureCode | WarningCode> = {
  readonly code: Code
  /** Number of the rule, as in `CID-07`. */
  readonly rule: string
  /** Top-level member concerned. */
  readonly member?: string
  readonly detail: string
}

/** A finding for which the identifier or document is refused. */
export type Violation = Finding<FailureCode>

/** A finding that refuses nothing (DOC-10). */
export type Warning = Finding<WarningCode>

/** The refusal that a non-empty list of violations amounts to: its code is the first violation's (ARC-09). */
export type Refusal = {
  readonly ok: false
  readonly code: FailureCode
  readonly violations: readonly Violation[]
}

/** Separates violations from warnings; the codes are disjoint, so a finding is one or the other (DOC-10). */
export function isViolation(finding: Finding): finding is Violation {
  return isFailureCode(finding.code)
}

/** The refusal of these violations, or `undefined` when there is none (ARC-09). */
export function refusalOf(violations: readonly Violation[]): Refusal | undefined {
  const [first] = violations
  return first && { ok: false, code: first.code, violations }
}

/** More would let a hostile document fill the audit and the log. */
const VIOLATIONS_DESCRIBED_MAX = 10

/** What is wrong, for the client's developer: each violation with the member it concerns (ARC-09). */
export function describeViolations(violations: readonly Violation[]): string {
  const described = violations
    .slice(0, VIOLATIONS_DESCRIBED_MAX)
    .map(({ member, detail }) => (member === undefined ? detail : `${member}: ${detail}`))
  const left = violations.length - described.length
  return [...described, ...(left > 0 ? [`and ${left} more`] : [])].join('; ')
}
