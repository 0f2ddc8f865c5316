import type { ClientMetadata } from '../document/client-metadata.ts'
import { baseMember, stringMember, stringsMember } from '../document/member-types.ts'
import { canonicalJson, isJsonObject, type JsonValue } from '../json/json.ts'

/** What a change of one member means to an authorization server (CHG-07). */
export type ChangeClass = 'widening' | 'narrowing' | 'keys' | 'display' | 'cosmetic'

/** A change of one member; a member that lost and gained items has one entry for each (CHG-07). */
export type MemberChange = {
  readonly member: string
  readonly class: ChangeClass
  /** The value before, `undefined` if there was none; of a set only the items that went. */
  readonly before: JsonValue | undefined
  /** The value after, `undefined` if there is none; of a set only the items that came. */
  readonly after: JsonValue | undefined
}

/**
 * Every change between two accepted documents of one client, by member name (CHG-01, CHG-07). The order of
 * members and of the items of a set is no change, nor is writing out a default (DOC-18).
 */
export function compareMetadata(before: ClientMetadata, after: ClientMetadata): readonly MemberChange[] {
  const members = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...members].sort().flatMap((member) => compareMember(member, before, after))
}

/** The distinct classes of some changes, sorted (CHG-07). */
export function changeClasses(changes: readonly MemberChange[]): readonly ChangeClass[] {
  return [...new Set(changes.map((change) => change.class))].sort()
}

type Compare = (member: string, before: ClientMetadata, after: ClientMetadata) => readonly MemberChange[]

const COMPARED: Readonly<Record<string, Compare>> = {
  application_type: compareApplicationType,
  contacts: compareContacts,
  dpop_bound_access_tokens: compareRequirement,
  grant_types: comparePermissions,
  jwks: compareKeySet,
  jwks_uri: compareAs('keys'),
  post_logout_redirect_uris: comparePermissions,
  redirect_uris: comparePermissions,
  request_uris: comparePermissions,
  require_pushed_authorization_requests: compareRequirement,
  response_types: comparePermissions,
  scope: compareScope,
  // Its claims override plain members, and only the authorization server can read them (DOC-15).
  software_statement: compareAs('widening'),
  tls_client_certificate_bound_access_tokens: compareRequirement,
  token_endpoint_auth_method: compareAuthMethod,
  token_endpoint_auth_methods_supported: comparePermissions,
  token_endpoint_auth_signing_alg: compareAs('keys'),
}
const DISPLAYED: ReadonlySet<string> = new Set([
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
])
const compareDisplay = compareAs('display')
const compareUnknown = compareAs('cosmetic')

function compareMember(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  if (isSame(own(before, member), own(after, member))) return []
  if (DISPLAYED.has(baseMember(member))) return compareDisplay(member, before, after)
  const compare = Object.hasOwn(COMPARED, member) ? COMPARED[member] : undefined
  return (compare ?? compareUnknown)(member, before, after)
}

// A document may have a member named `constructor`, and one read back from the store has a prototype (DOC-16).
function own(metadata: ClientMetadata, member: string): JsonValue | undefined {
  return Object.hasOwn(metadata, member) ? metadata[member] : undefined
}

function isSame(before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  if (before === undefined || after === undefined) return before === after
  return canonicalJson(before) === canonicalJson(after)
}

function compareAs(changeClass: ChangeClass): Compare {
  return (member, before, after) => [changeOf(member, changeClass, own(before, member), own(after, member))]
}

function changeOf(
  member: string,
  changeClass: ChangeClass,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): MemberChange {
  return { member, class: changeClass, before, after }
}

const DEFAULT_ITEMS: Readonly<Record<string, readonly string[]>> = {
  grant_types: ['authorization_code'],
  response_types: ['code'],
}

function comparePermissions(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
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

function compareScope(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const items = ({ scope }: ClientMetadata) => (scope ?? '').split(' ').filter((item) => item !== '')
  const changes = permissionChanges(member, items(before), items(after))
  // Without the member the server's default applies, which may be more than what is listed.
  if (after.scope === undefined) return [changeOf(member, 'widening', before.scope, undefined), ...changes]
  return changes.length === 0 && before.scope === undefined
    ? [changeOf(member, 'narrowing', undefined, after.scope)]
    : changes
}

function compareContacts(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const [was, is] = [before.contacts ?? [], after.contacts ?? []]
  const [removed, added] = [without(was, is), without(is, was)]
  return removed.length + added.length > 0 ? [changeOf(member, 'display', removed, added)] : []
}

function compareKeySet(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const keys = ({ jwks }: ClientMetadata) => (jwks?.keys ?? []).map(canonicalJson)
  const [was, is] = [keys(before), keys(after)]
  if (without(was, is).length + without(is, was).length === 0) return compareRest(member, before, after)
  return [changeOf(member, 'keys', own(before, member), own(after, member))]
}

// The keys are the same, so what differs is their order, or something beside them.
function compareRest(member: string, before: ClientMetadata, after: ClientMetadata): readonly MemberChange[] {
  const rest = (value: JsonValue | undefined) => (isJsonObject(value) ? { ...value, keys: [] } : undefined)
  if (isSame(rest(own(before, member)), rest(own(after, member)))) return []
  return compareUnknown(member, before, after)
}

// Absent is read as none (KEY-09). A method we do not know is assumed weaker than one we do (KEY-11).
const KEY_METHODS: ReadonlySet<string> = new Set([
  ...['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
])

function methodRank(method: string | undefined): number {
  if (method === undefined || method === 'none') return 0
  return KEY_METHODS.has(method) ? 2 : 1
}

function compareAuthMethod(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const [was, is] = [methodRank(stringMember(before, member)), methodRank(stringMember(after, member))]
  return [changeOf(member, authMethodClass(was, is), own(before, member), own(after, member))]
}

function authMethodClass(before: number, after: number): ChangeClass {
  if (after !== before) return after > before ? 'narrowing' : 'widening'
  return after === 0 ? 'cosmetic' : after === 2 ? 'keys' : 'widening'
}

// Of these members `true` asks more of the client, and absent is false.
function compareRequirement(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const [was, is] = [own(before, member) === true, own(after, member) === true]
  if (was === is) return []
  return [changeOf(member, is ? 'narrowing' : 'widening', own(before, member), own(after, member))]
}

// A web client's loopback redirects lose their freedom of port (RED-10); absent and native are alike.
function compareApplicationType(
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
): readonly MemberChange[] {
  const [was, is] = [before.application_type === 'web', after.application_type === 'web']
  const changeClass = was === is ? 'cosmetic' : is ? 'narrowing' : 'widening'
  return [changeOf(member, changeClass, before.application_type, after.application_type)]
}
