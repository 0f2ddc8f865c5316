import { type ExitCode, UsageError } from '../exit-code.ts'
import { type Output, say, sayJson, sayTable } from '../print.ts'
import { answerCase } from './answer.ts'
import { type CaseResult, compareAnswer } from './compare.ts'
import { type Implementation, startImplementation } from './implementation.ts'
import { readVectors, type VectorFile } from './vectors.ts'

export type ConformanceArgs = {
  readonly vectors: string
  /** A command that answers; ours without one. */
  readonly exec: string | undefined
  readonly strict: boolean | undefined
  readonly rule: string | undefined
  readonly json: boolean | undefined
}

type SectionResult = { readonly section: string; readonly results: readonly CaseResult[] }

/** Runs the conformance vectors against an implementation and says, case by case, where it differs from the rules. */
export async function runConformance(output: Output, args: ConformanceArgs): Promise<ExitCode> {
  const files = chosen(await readVectors(args.vectors), args.rule)
  const implementation = args.exec === undefined ? OURS : startImplementation(args.exec)
  // Codes of another implementation are its own; ours have to be exactly what is published.
  const strict = args.strict ?? args.exec === undefined
  const sections: SectionResult[] = []
  try {
    for (const file of files) sections.push(await runFile(file, implementation, strict))
  } finally {
    await implementation.close()
  }
  if (args.json) sayJson(output, bodyOf(sections))
  else sayResults(output, sections)
  return count(sections, 'failed') === 0 && count(sections, 'passed') > 0 ? 0 : 1
}

const OURS: Implementation = {
  answer: async ({ operation, input }) => answerCase(operation, input),
  close: async () => {},
}

function chosen(files: readonly VectorFile[], rule: string | undefined): readonly VectorFile[] {
  if (rule === undefined) return files
  const kept = files
    .map((file) => ({ ...file, cases: file.cases.filter(({ rules }) => rules.includes(rule)) }))
    .filter(({ cases }) => cases.length > 0)
  if (kept.length === 0) throw new UsageError(`no case is of rule ${rule}`)
  return kept
}

async function runFile(
  file: VectorFile,
  { answer }: Implementation,
  strict: boolean,
): Promise<SectionResult> {
  const results: CaseResult[] = []
  for (const vector of file.cases) results.push(compareAnswer(vector, await answer(vector), strict))
  return { section: file.section, results }
}

function count(sections: readonly SectionResult[], outcome: CaseResult['outcome']): number {
  return sections.flatMap(({ results }) => results).filter((result) => result.outcome === outcome).length
}

function bodyOf(sections: readonly SectionResult[]): object {
  const cases = sections.flatMap(({ section, results }) =>
    results.map(({ vector: { id, rules }, outcome, notes }) => ({ section, id, rules, outcome, notes })),
  )
  const [passed, failed, skipped] = [
    count(sections, 'passed'),
    count(sections, 'failed'),
    count(sections, 'skipped'),
  ]
  return { passed, failed, skipped, cases }
}

function sayResults(output: Output, sections: readonly SectionResult[]): void {
  for (const { results } of sections) for (const result of results) sayResult(output, result)
  sayTable(
    output,
    ['section', 'passed', 'failed', 'skipped'],
    [...sections.map((section) => [section.section, ...counts([section])]), ['all', ...counts(sections)]],
  )
}

function counts(sections: readonly SectionResult[]): readonly string[] {
  return (['passed', 'failed', 'skipped'] as const).map((outcome) => String(count(sections, outcome)))
}

function sayResult(output: Output, { vector, outcome, notes }: CaseResult): void {
  if (outcome === 'passed') return
  const { id, rules, why, input } = vector
  say(
    output,
    outcome === 'failed' ? ['red', '✗'] : ['dim', '-'],
    ' ',
    ['bold', id],
    `  (${rules.join(', ')})`,
  )
  for (const note of notes) say(output, '    ', note)
  if (outcome === 'skipped') return
  say(output, ['dim', `    input ${JSON.stringify(input).slice(0, 400)}`])
  say(output, ['dim', `    ${why}`])
  say(output)
}
