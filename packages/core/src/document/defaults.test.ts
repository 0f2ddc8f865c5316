import { expect, it } from 'vitest'
import { effectiveGrantTypes, effectiveResponseTypes } from './defaults.ts'

it.each([
  [{}, ['authorization_code'], ['code']],
  [{ grant_types: ['client_credentials'] }, ['client_credentials'], []],
  [{ grant_types: ['authorization_code', 'x'] }, ['authorization_code', 'x'], ['code']],
  [{ grant_types: ['implicit'], response_types: ['token'] }, ['implicit'], ['token']],
  [{ grant_types: [], response_types: [] }, [], []],
])('DOC-18: of %j takes for granted %j and %j', (document, grants, responses) => {
  expect(effectiveGrantTypes(document)).toEqual(grants)
  expect(effectiveResponseTypes(document)).toEqual(responses)
})
