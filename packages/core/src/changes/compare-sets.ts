import type { ClientMetadata } from '../document/client-metadata.ts'
import { effectiveGrantTypes, effectiveResponseTypes } from '../document/defaults.ts'
import { stringsMember } from '../document/member-types.ts'
import { canonicalJson, isJsonObject, type JsonValue } from '../json/json.ts'
import { type ChangeClass, type Compare, changeOf, type MemberChange, own } from './member-change.ts'

type ItemsOf = (metadata: ClientMetadata, member: string) => readonly string[]

const listed: ItemsOf = (metadata, member) => stringsMember(metadata, member) ?? []

/** Each item permits something: what comes widens, what goes narrows (CHG-07, CHG-08). */
export const comparePermissions: Compare = compareSet(listed)

/** The same for grants, of which one is there by default (DOC-18). */
export const compareGrantTypes: Compare = compareSet(effectiveGrantTypes)

// `id_token code` is `code id_token`: the parts of a response type have no order either.
const responseTypes: ItemsOf = (metadata) => effectiveResponseTypes(metadata).map(responseTypeName)

/** A response type under one name, whatever the order of its parts. */
export function responseTypeName(type: string): string {
  return wordsOf(type).toSorted().join(' ')
}

/** The same for response types (DOC-18). */
export const compareResponseTypes: Compare = compareSet(responseTypes)

function compareSet(itemsOf: ItemsOf): Compare {
  return (member, before, after) => permissionChanges(member, itemsOf(before, member), itemsOf(after, member))
}

/** What widens by the items that came and what narrows by those that went (CHG-07, CHG-08). */
export function permissionChanges(
  member: string,
  before: readonly string[],
  after: readonly string[],
): readonly MemberChange[] {
  const [removed, added] = difference(before, after)
  return [
    ...(added.length > 0 ? [changeOf(member, 'widening', [], added)] : []),
    ...(removed.length > 0 ? [changeOf(member, 'narrowing', removed, [])] : []),
  ]
}

/** Scopes are a set within a string; without the member the server's default applies, which may be more than what is listed. */
export const compareScope: Compare = (member, before, after) => {
  const changes = permissionChanges(member, wordsOf(before.scope ?? ''), wordsOf(after.scope ?? ''))
  if (after.scope === undefined) return [changeOf(member, 'widening', before.scope, undefined), ...changes]
  return changes.length === 0 && before.scope === undefined
    ? [changeOf(member, 'narrowing', undefined, after.scope)]
    : changes
}

/** The words of a list in a string, such as a scope. */
export function wordsOf(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '')
}

/** A set that permits nothing: its changes are of one class, whatever came and went (CHG-07). */
export function compareItemsAs(changeClass: ChangeClass): Compare {
  return (member, before, after) => {
    const [removed, added] = difference(listed(before, member), listed(after, member))
    return removed.length + added.length > 0 ? [changeOf(member, changeClass, removed, added)] : []
  }
}

/** Keys are a set; of it the keys that went and that came are told (CHG-03). */
export const compareKeySet: Compare = (member, before, after) => {
  const texts = ({ jwks }: ClientMetadata) => (jwks?.keys ?? []).map(canonicalJson)
  const [removed, added] = difference(texts(before), texts(after))
  if (removed.length + added.length === 0) return compareRest(member, before, after)
  const parsed = (keys: readonly string[]): JsonValue => keys.map((text): JsonValue => JSON.parse(text))
  return [changeOf(member, 'keys', parsed(removed), parsed(added))]
}

// The keys are the same, so what differs is their order, or something beside them.
const compareRest: Compare = (member, before, after) => {
  const rest = (value: JsonValue | undefined) =>
    canonicalJson(isJsonObject(value) ? { ...value, keys: [] } : { keys: [] })
  const [was, is] = [own(before, member), own(after, member)]
  return rest(was) === rest(is) ? [] : [changeOf(member, 'cosmetic', was, is)]
}

/** The distinct items that went and those that came. */
function difference(
  before: readonly string[],
  after: readonly string[],
): readonly [removed: readonly string[], added: readonly string[]] {
  const [was, is] = [new Set(before), new Set(after)]
  return [[...was.difference(is)], [...is.difference(was)]]
}
