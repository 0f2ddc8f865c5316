import type { JsonObject } from '../json/json.ts'
import { stringsMember } from './member-types.ts'

/** What RFC 7591 section 2 takes for granted where the member is absent (DOC-18). */
const DEFAULT_GRANT_TYPES: readonly string[] = ['authorization_code']
/** The same for response types. */
const DEFAULT_RESPONSE_TYPES: readonly string[] = ['code']

/** The grants that a document asks for, by default or in words (DOC-18). */
export function effectiveGrantTypes(document: JsonObject): readonly string[] {
  return stringsMember(document, 'grant_types') ?? DEFAULT_GRANT_TYPES
}

/** The response types that a document asks for (DOC-18). Without the grant that uses it the default means nothing. */
export function effectiveResponseTypes(document: JsonObject): readonly string[] {
  const listed = stringsMember(document, 'response_types')
  if (listed !== undefined) return listed
  return effectiveGrantTypes(document).includes('authorization_code') ? DEFAULT_RESPONSE_TYPES : []
}
