import {
  escapePointer,
  FAILURES,
  type FailureCode,
  type Finding,
  isFailureCode,
  locateJson,
  PROFILE_FINDINGS,
  type ProfileCode,
  type ProfileFinding,
  type Span,
  WARNINGS,
  type WarningCode,
} from '@cimd/core'
import { type Frame, frameOf, type Place, placeOf } from './code-frame.ts'

/** A finding with where it is and what its code means to the client's developer. */
export type ReportedFinding = {
  readonly kind: 'violation' | 'warning'
  readonly code: string
  readonly rule?: string | undefined
  readonly member?: string | undefined
  readonly pointer?: string | undefined
  /** In the document; absent where the finding is about something that is not there. */
  readonly place?: Place | undefined
  readonly frame?: Frame | undefined
  readonly detail: string
  readonly advice: string
}

type Unplaced = Omit<Finding<FailureCode | WarningCode>, 'rule'> & { readonly rule?: string }

/** Adds to a finding whether it refuses the document, what it means and what to do about it. */
export function reported({ code, rule, member, pointer, detail }: Unplaced): ReportedFinding {
  const isFailure = isFailureCode(code)
  const { summary, advice } = isFailure ? FAILURES[code] : WARNINGS[code]
  const kind = isFailure ? 'violation' : 'warning'
  return { kind, code, rule, member, pointer, detail, advice: `${summary} ${advice}` }
}

/** A finding about the client_id, marked in it. */
export function reportedInUrl(clientId: string, finding: Finding): ReportedFinding {
  const { span } = finding
  return { ...reported(finding), ...(span && { frame: frameOf(clientId, span) }) }
}

/** A finding about a document, marked in its text. */
export function reportedInText(text: string, finding: Finding): ReportedFinding {
  return { ...reported(finding), ...marked(text, finding.span ?? spanOf(text, finding)) }
}

/** What a profile has against a document, marked in its text: for whoever chose the profile that is a refusal. */
export function reportedOfProfile(text: string, finding: ProfileFinding): ReportedFinding {
  const { code, rule, member, pointer, detail } = finding
  const { summary, advice } = PROFILE_FINDINGS[code satisfies ProfileCode]
  return {
    ...{ kind: 'violation', code, rule, member, pointer, detail, advice: `${summary} ${advice}` },
    ...marked(text, spanOf(text, finding)),
  }
}

function marked(text: string, span: Span | undefined): Pick<ReportedFinding, 'place' | 'frame'> {
  return span === undefined ? {} : { place: placeOf(text, span), frame: frameOf(text, span) }
}

// The value a pointer names, or else the name of the member.
function spanOf(text: string, { pointer, member }: Pick<Finding, 'pointer' | 'member'>): Span | undefined {
  if (!isJson(text)) return undefined
  if (pointer !== undefined) return locateJson(text, pointer)?.value
  return member === undefined ? undefined : locateJson(text, `/${escapePointer(member)}`)?.name
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
