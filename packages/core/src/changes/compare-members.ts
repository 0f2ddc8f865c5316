import { authMethodRank } from '../capabilities/auth-method.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { pluralMethods } from '../document/credential-rules.ts'
import { DEFAULT_GRANT_TYPES, DEFAULT_RESPONSE_TYPES } from '../document/defaults.ts'
import { stringMember, stringsMember } from '../document/member-types.ts'
import { canonicalJson, isJsonObject, type JsonValue } from '../json/json.ts'
import { type ChangeClass, changeOf, type MemberChange } from './member-change.ts'

/** The changes of one member that differs between two documents. */
export type Compare = (
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
) => readonly MemberChange[]

/** A member of the document itself: one may be named `constructor`, and one read back from the store has a prototype (DOC-16). */
export function own(metadata: ClientMetadata, member: string): JsonValue | undefined {
  return Object.hasOwn(metadata, member) ? metadata[member] : undefined
}

/** Any change is of one class. */
export function compareAs(changeClass: ChangeClass): Compare {
  return (member, before, after) => [changeOf(member, changeClass, own(before, member), own(after, member))]
}

/** To name a place, or another one, is more than before; to name none is less. */
export const comparePresence: Compare = (member, before, after) => {
  const [was, is] = [own(before, member), own(after, member)]
  return [changeOf(member, is === undefined ? 'narrowing' : 'widening', was, is)]
}

const DEFAULT_ITEMS: Readonly<Record<string, readonly string[]>> = {
  grant_types: DEFAULT_GRANT_TYPES,
  response_types: DEFAULT_RESPONSE_TYPES,
}

/** Each item permits something: what comes widens, what goes narrows (CHG-07, CHG-08). */
export const comparePermissions: Compare = (member, before, after) => {
  const items = (metadata: ClientMetadata) => stringsMember(metadata, member) ?? DEFAULT_ITEMS[member] ?? []
  return permissionChanges(member, items(before), items(after))
}

function permissionChanges(
  member: string,
  before: readonly string[],
  after: readonly string[],
): readonly MemberChange[] {
  const added = without(after, before)
  const removed = without(before, after)
  return [
    ...(added.length > 0 ? [changeOf(member, 'widening', [], added)] : []),
    ...(removed.length > 0 ? [changeOf(member, 'narrowing', removed, [])] : []),
  ]
}

function without(items: readonly string[], others: readonly string[]): readonly string[] {
  const excluded = new Set(others)
  return [...new Set(items)].filter((item) => !excluded.has(item))
}

/** Scopes are a set within a string; without the member the server's default applies, which may be more than what is listed. */
export const compareScope: Compare = (member, before, after) => {
  const items = ({ scope }: ClientMetadata) => (scope ?? '').split(' ').filter((item) => item !== '')
  const changes = permissionChanges(member, items(before), items(after))
  if (after.scope === undefined) return [changeOf(member, 'widening', before.scope, undefined), ...changes]
  return changes.length === 0 && before.scope === undefined
    ? [changeOf(member, 'narrowing', undefined, after.scope)]
    : changes
}

/** A set that is only shown. */
export const compareNames: Compare = (member, before, after) => {
  const [was, is] = [stringsMember(before, member) ?? [], stringsMember(after, member) ?? []]
  const [removed, added] = [without(was, is), without(is, was)]
  return removed.length + added.length > 0 ? [changeOf(member, 'display', removed, added)] : []
}

/** Keys are a set; of it the keys that went and that came are told (CHG-03). */
export const compareKeySet: Compare = (member, before, after) => {
  const texts = ({ jwks }: ClientMetadata) => (jwks?.keys ?? []).map(canonicalJson)
  const [was, is] = [texts(before), texts(after)]
  const [removed, added] = [without(was, is), without(is, was)]
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

/** The methods a client may use: without the plural member the singular one alone (KEY-09, KEY-10). */
export const compareAuthMethods: Compare = (member, before, after) => {
  const methods = (metadata: ClientMetadata) =>
    pluralMethods(metadata) ?? [metadata.token_endpoint_auth_method ?? 'none']
  return permissionChanges(member, methods(before), methods(after))
}

/** To prove less than before widens, to prove more narrows (KEY-11); absent is read as none (KEY-09). */
export const compareAuthMethod: Compare = (member, before, after) => {
  const [was, is] = [
    authMethodRank(stringMember(before, member)),
    authMethodRank(stringMember(after, member)),
  ]
  return [changeOf(member, authMethodClass(was, is), own(before, member), own(after, member))]
}

function authMethodClass(before: 0 | 1 | 2, after: 0 | 1 | 2): ChangeClass {
  if (after !== before) return after > before ? 'narrowing' : 'widening'
  // Of two methods we do not know, the new one may prove less.
  return after === 0 ? 'cosmetic' : after === 2 ? 'keys' : 'widening'
}

/** Of such a member `true` asks more of the client, and absent is false. */
export const compareRequirement: Compare = (member, before, after) => {
  const [was, is] = [own(before, member) === true, own(after, member) === true]
  if (was === is) return []
  return [changeOf(member, is ? 'narrowing' : 'widening', own(before, member), own(after, member))]
}

/** A web client's loopback redirects lose their freedom of port (RED-10); absent and native are alike. */
export const compareApplicationType: Compare = (member, before, after) => {
  const [was, is] = [before.application_type === 'web', after.application_type === 'web']
  const changeClass = was === is ? 'cosmetic' : is ? 'narrowing' : 'widening'
  return [changeOf(member, changeClass, before.application_type, after.application_type)]
}
