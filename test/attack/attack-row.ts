import type { FailureCode } from '@cimd/core'
import type { Arena, Outcome } from './arena.ts'

/** One attack: what is tried, and in what it must end. */
export type AttackRow = {
  /** Of ssrf-cases.json, or a name of ours. */
  readonly id: string
  readonly family: string
  /** Any of them; none: it must be accepted. */
  readonly expected: readonly FailureCode[]
  run(arena: Arena): Promise<Outcome>
}

/** Whether an attack ended as it must: in a code that was expected, or in none where it is to be accepted. */
export function endedAsItMust({ expected }: AttackRow, { codes }: Outcome): boolean {
  if (expected.length === 0) return codes.length === 0
  return codes.some((code) => expected.some((one) => one === code))
}

/** Whether the deadline struck it at another stage than it must: a busy machine does that. */
export function isCutOff({ expected }: AttackRow, { codes }: Outcome): boolean {
  const isExpected = (code: string): boolean => expected.some((one) => one === code)
  return codes.some((code) => code.startsWith('timeout_') && !isExpected(code))
}
