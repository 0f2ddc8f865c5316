import { expect, it } from 'vitest'
import { ROUTE_SCOPES } from './route-scopes.ts'
import { ROUTE_SUMMARIES } from './route-summaries.ts'

it('every route says what it is for', () => {
  expect(Object.keys(ROUTE_SUMMARIES).toSorted()).toEqual(Object.keys(ROUTE_SCOPES).toSorted())
  for (const summary of Object.values(ROUTE_SUMMARIES)) expect(summary).toMatch(/^[A-Z].{0,80}[^.]$/)
})
