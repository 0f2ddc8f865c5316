import { type FailureCode, isFailureCode } from './failure.ts'
import type { WarningCode } from './warnings.ts'

/** Where in the text that was judged: UTF-16 code units, `end` exclusive. */
export type Span = { readonly start: number; readonly end: number }

/** One observation about an identifier or a document, with the number of the rule that it comes from. */
export type Finding<Code extends string = FailureCode | WarningCode> = {
  readonly code: Code
  /** Number of the rule, as in `CID-07`. */
  readonly rule: string
  /** Top-level member concerned. */
  readonly member?: string
  /** RFC 6901 pointer to the value concerned, where it is deeper than the member. */
  readonly pointer?: string
  /** The place in the identifier as presented, or in the text of the document. */
  readonly span?: Span
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
  /** What else the publisher may want to mend. */
  readonly warnings: readonly Warning[]
}

/** Separates violations from warnings; the codes are disjoint, so a finding is one or the other (DOC-10). */
export function isViolation(finding: Finding): finding is Violation {
  return isFailureCode(finding.code)
}

/** The refusal of some findings, or `undefined` when no violation is among them (ARC-09). */
export function refusalOf(findings: readonly Finding[]): Refusal | undefined {
  const violations = findings.filter(isViolation)
  const [first] = violations
  return first && { ok: false, code: first.code, violations, warnings: warningsOf(findings) }
}

/** The warnings among some findings (DOC-10). */
export function warningsOf(findings: readonly Finding[]): readonly Warning[] {
  return findings.filter((finding): finding is Warning => !isViolation(finding))
}

/** More of one kind would only repeat themselves; a hostile list could have thousands. */
const FINDINGS_OF_A_LIST_MAX = 10

/** What is found among the items of a list, up to a bound. */
export function findingsAmong<Item, Found>(
  items: readonly Item[],
  judge: (item: Item, index: number) => Found | undefined,
): readonly Found[] {
  const findings: Found[] = []
  for (const [index, item] of items.entries()) {
    const found = judge(item, index)
    if (found !== undefined) findings.push(found)
    if (findings.length === FINDINGS_OF_A_LIST_MAX) break
  }
  return findings
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
