import type { PolicyVerdict } from './policy-verdict.ts'

/** A verdict as the tables of cases have it. */
export function told({ decision, reasons }: PolicyVerdict): string {
  if (reasons.length === 0) return decision
  const places = reasons.map(({ code, at, pointer }) =>
    [code, at, ...(pointer === undefined ? [] : [pointer])].join(' '),
  )
  return `${decision}: ${places.join(', ')}`
}
