import { canonicalJson, type JsonValue } from '@cimd/core'
import type { ConformanceAnswer, Vector } from './vectors.ts'

/** How an implementation did on one case. */
export type CaseResult = {
  readonly vector: Vector
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What differs, or why the case was skipped, in words. */
  readonly notes: readonly string[]
}

/**
 * Compares an answer with what a case expects. The verdict must be there and equal. Every other member counts if
 * the implementation gives it, or always when `strict`: codes are ours, and another implementation has its own.
 */
export function compareAnswer(vector: Vector, answer: ConformanceAnswer, strict: boolean): CaseResult {
  if (typeof answer['skipped'] === 'string') {
    return { vector, outcome: 'skipped', notes: [answer['skipped']] }
  }
  const notes = Object.entries(vector.expected)
    .filter(([member]) => strict || member === 'verdict' || Object.hasOwn(answer, member))
    .filter(([member, expected]) => canonicalJson(unordered(expected)) !== textOf(answer[member]))
    .map(([member, expected]) => `${member}: expected ${show(expected)}, got ${show(answer[member])}`)
  return { vector, outcome: notes.length === 0 ? 'passed' : 'failed', notes }
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : canonicalJson(unordered(value as JsonValue))
}

// Every list in an answer is a set: nobody is asked to find things in our order.
function unordered(value: JsonValue): JsonValue {
  return Array.isArray(value) ? value.map((item) => canonicalJson(item)).toSorted() : value
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
