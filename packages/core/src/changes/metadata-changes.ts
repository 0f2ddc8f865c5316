import type { ClientMetadata } from '../document/client-metadata.ts'
import { canonicalJson, type JsonValue } from '../json/json.ts'
import { changeOf, type MemberChange, own } from './member-change.ts'
import { meaningOf } from './member-meanings.ts'

/**
 * Every change between two accepted documents of one client, by member name (CHG-01, CHG-07). The order of
 * members and of the items of a set is no change, nor is writing out a default (DOC-18).
 */
export function compareMetadata(before: ClientMetadata, after: ClientMetadata): readonly MemberChange[] {
  const members = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...members].sort().flatMap((member) => compareMember(member, before, after))
}

/** The changes of one member (CHG-07). */
export function compareMember(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const [was, is] = [own(before, member), own(after, member)]
  if (isSame(was, is)) return []
  if (isAbsent(member, was) && isAbsent(member, is)) return [changeOf(member, 'cosmetic', was, is)]
  return meaningOf(member)(member, before, after)
}

function isSame(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  if (before === undefined || after === undefined) return before === after
  return canonicalJson(before) === canonicalJson(after)
}

// An empty member is read as if it were absent (DOC-04), but an empty scope is a value.
function isAbsent(member: string, value: JsonValue | undefined): boolean {
  return value === undefined || (value === '' && member !== 'scope')
}
