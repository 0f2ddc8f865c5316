import { createFetchBudget, type FetchBudgetLimits, type ScopeLimits } from '@cimd/store'
import type { TestStore } from './store-bundle.ts'

export const HOST = { urgent: true, host: 'client.example.net', domain: 'example.net' }
export const SIBLING = { urgent: true, host: 'other.example.net', domain: 'example.net' }
export const STRANGER = { urgent: true, host: 'client.example.org', domain: 'example.org' }

export const UNREACHED: ScopeLimits = { concurrentMax: 1000, windowMax: 1000 }
const LIMITS: FetchBudgetLimits = {
  ...{ host: UNREACHED, domain: UNREACHED, fleet: UNREACHED },
  // No test sees their end by chance.
  windowSeconds: 1_000_000,
  leaseSeconds: 600,
}

export type Take = ReturnType<typeof budgetOf>

export function budgetOf({ fetcher }: TestStore, limits: Partial<FetchBudgetLimits> = {}) {
  return createFetchBudget(fetcher, { ...LIMITS, ...limits })
}

export async function granted(asked: ReturnType<Take>) {
  const answer = await asked
  if (answer.kind !== 'granted') throw new Error('not granted')
  return answer
}

/** Asks for all at once and counts the answers by kind of grant or code of refusal. */
export async function answersOf(take: Take, count: number, targetOf: (n: number) => Parameters<Take>[0]) {
  const answers = await Promise.all(Array.from({ length: count }, (_, n) => take(targetOf(n))))
  const counts: Record<string, number> = {}
  for (const answer of answers) {
    const name = answer.kind === 'granted' ? 'granted' : answer.code
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

export function windowsOf({ owner }: TestStore) {
  return owner.selectFrom('cimd.fetch_windows').select(['scope', 'name', 'attempts']).execute()
}
