import { readFileSync } from 'node:fs'

/** One numbered rule of docs/requirements.md. */
export type Requirement = {
  readonly id: string
  readonly level: string
  /** What the source demands, in the words of that page. */
  readonly rule: string
  readonly source: string
}

const PAGE = new URL('../../docs/requirements.md', import.meta.url)

/** The rules of docs/requirements.md in its order. */
export function readRequirements(): readonly Requirement[] {
  return readFileSync(PAGE, 'utf8').split('\n').flatMap(requirementOf)
}

function requirementOf(line: string): readonly Requirement[] {
  if (!/^\| [A-Z]+-\d\d \|/.test(line)) return []
  const [id = '', ...cells] = line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
  // The consequences for the design have no level and no source.
  const [level = '', rule = '', source = ''] = cells.length > 1 ? cells : ['rule', ...cells]
  return [{ id, level, rule, source }]
}

/** Whether the source, or we where it is silent, demand it without exception. */
export function isMandatory({ level }: Requirement): boolean {
  return level.includes('MUST')
}
