import { isMandatory, type Requirement } from './requirements.ts'

/** A test as vitest's JSON report tells of it. */
export type ReportedTest = { readonly fullName: string; readonly status: string }

/** What proves one rule. */
export type RuleCoverage = {
  readonly requirement: Requirement
  readonly tests: readonly ReportedTest[]
  readonly passed: number
  readonly failed: number
  /** Why no test here can prove it; only where there is none. */
  readonly reason?: string
}

/** The prefixes of rules that are decided without I/O, for the most part. */
const DECIDED = ['CID', 'DOC', 'RED', 'KEY', 'CAC', 'CHG']

const PUBLISHER = 'a duty of whoever publishes the document; nothing here can see whether it is met'
const SERVER = 'a matter of the authorization server, which acts on what it is told'
const EXPLAINS = 'explains, and demands nothing'

/** Why a rule cannot be decided by a pure function. */
export const UNDECIDABLE: Readonly<Record<string, string>> = {
  'CID-17': PUBLISHER,
  'CID-18': EXPLAINS,
  'CID-21': SERVER,
  'DOC-20': PUBLISHER,
  'CAC-16': EXPLAINS,
  'CAC-18': 'needs a fetched logo and a fetched key set',
  'CAC-19': 'needs the store, which counts',
  'KEY-02': PUBLISHER,
  'KEY-12': SERVER,
  'KEY-14': 'needs a fetched key set',
  'CHG-02': SERVER,
  'CHG-04': 'needs the store: a record is found by its identifier and by nothing else',
  'CHG-06': SERVER,
  'CHG-11': EXPLAINS,
}

/** For each rule that is decided without I/O, the tests that name it. */
export function coverageOf(
  requirements: readonly Requirement[],
  tests: readonly ReportedTest[],
): readonly RuleCoverage[] {
  return requirements
    .filter(({ id }) => DECIDED.some((prefix) => id.startsWith(`${prefix}-`)))
    .map((requirement) => {
      const naming = tests.filter(({ fullName }) => fullName.includes(requirement.id))
      const passed = naming.filter(({ status }) => status === 'passed').length
      const reason = naming.length === 0 ? UNDECIDABLE[requirement.id] : undefined
      return {
        requirement,
        tests: naming,
        passed,
        failed: naming.length - passed,
        ...(reason !== undefined && { reason }),
      }
    })
}

/** What must not be: a test that fails or was skipped, a mandatory rule without one, a gap without a reason. */
export function problemsOf(coverage: readonly RuleCoverage[]): readonly string[] {
  return coverage.flatMap(({ requirement, passed, failed, reason }) => {
    const { id, level } = requirement
    if (failed > 0) return [`${id}: ${failed} of ${passed + failed} tests did not pass`]
    if (passed > 0) return []
    if (isMandatory(requirement)) return [`${id} is ${level}, and no test names it`]
    return reason === undefined ? [`${id}: no test names it, and no reason is given`] : []
  })
}
