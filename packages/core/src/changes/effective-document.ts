import { sha256Hex } from '../digest.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { effectiveGrantTypes, effectiveResponseTypes } from '../document/defaults.ts'
import { canonicalJson, type JsonValue } from '../json/json.ts'
import { methodsOf } from './compare-auth-methods.ts'
import { responseTypeName, wordsOf } from './compare-sets.ts'
import { type MemberChange, own } from './member-change.ts'
import { compareMember, compareMetadata } from './metadata-changes.ts'

/** What a tenant gets that has approved one version, while another is the current one. */
export type EffectiveDocument = {
  /** It need not be a document that anybody could publish: a redirect URI that is held may leave none. */
  readonly metadata: ClientMetadata
  /** What widens from the approved version to the current one, and waits for approval. */
  readonly held: readonly MemberChange[]
  /** sha-256 of its canonical JSON; undefined where nothing is held and the current version counts, under its own digest. */
  readonly digest: string | undefined
}

/**
 * Member by member what the approved version and the current one both allow (CHG-07, CHG-08): what narrows counts at
 * once, what widens is held, keys and display follow the current version. Never wider than the approved version.
 * Wider than the current one only where each way round widens, so that nothing narrower can be named: then what was
 * approved stays.
 */
export function effectiveDocument(approved: ClientMetadata, current: ClientMetadata): EffectiveDocument {
  const held = compareMetadata(approved, current).filter(isWidening)
  if (held.length === 0) return { metadata: current, held, digest: undefined }
  const groups = [
    ...new Set(held.map(({ member }) => AUTHENTICATION.find((named) => named.includes(member)) ?? [member])),
  ]
  const metadata = groups.reduce((document, members) => hold(members, approved, document, held), current)
  return { metadata, held, digest: sha256Hex(canonicalJson(metadata)) }
}

// Either of these is read beside the other, so they are held together.
const AUTHENTICATION = [['token_endpoint_auth_method', 'token_endpoint_auth_methods_supported']]

/** The document with some members as far as both versions allow them. */
function hold(
  members: readonly string[],
  approved: ClientMetadata,
  current: ClientMetadata,
  held: readonly MemberChange[],
): ClientMetadata {
  const candidates = members.reduce<readonly ClientMetadata[]>(
    (documents, member) =>
      documents.flatMap((document) =>
        valuesOf(member, approved, current, held).map((value) => withMember(document, member, value)),
      ),
    [current],
  )
  const isAllowed = (candidate: ClientMetadata): boolean =>
    [approved, current].every((before) =>
      members.every((member) => !compareMember(member, before, candidate).some(isWidening)),
    )
  const asApproved = members.reduce(
    (document, member) => withMember(document, member, own(approved, member)),
    current,
  )
  return candidates.find(isAllowed) ?? asApproved
}

/** What a member may come to, the best first. */
function valuesOf(
  member: string,
  approved: ClientMetadata,
  current: ClientMetadata,
  held: readonly MemberChange[],
): readonly (JsonValue | undefined)[] {
  const changes = held.filter((change) => change.member === member)
  const asApproved = own(approved, member)
  if (changes.length === 0) return [own(current, member), asApproved]
  if (staysAsApproved(member, approved)) return [asApproved]
  const added = itemsAdded(changes)
  return [...(added === undefined ? [] : [withoutItems(current, member, added)]), asApproved, undefined]
}

// Without a sector the users of a pairwise client would all be strangers to it; without a list of scopes the default of
// the server applies, of which nobody here knows how much of the list it holds.
function staysAsApproved(member: string, approved: ClientMetadata): boolean {
  return member === 'sector_identifier_uri' || (member === 'scope' && approved.scope === undefined)
}

function isWidening(change: MemberChange): boolean {
  return change.class === 'widening'
}

/** The items that came, where all that widens a member is items that came to a set. */
function itemsAdded(changes: readonly MemberChange[]): readonly string[] | undefined {
  const isSet = changes.every(
    ({ before, after }) => Array.isArray(before) && before.length === 0 && Array.isArray(after),
  )
  return isSet ? changes.flatMap(({ after }) => after as readonly string[]) : undefined
}

// Items came to it, so there is a list.
function withoutItems(document: ClientMetadata, member: string, added: readonly string[]): JsonValue {
  const isLeft = (item: string): boolean =>
    !added.includes(member === 'response_types' ? responseTypeName(item) : item)
  if (member === 'scope') {
    const words = wordsOf(document.scope as string)
    return words.filter(isLeft).join(' ')
  }
  return itemsOf(document, member).filter(isLeft)
}

function itemsOf(document: ClientMetadata, member: string): readonly string[] {
  if (member === 'grant_types') return effectiveGrantTypes(document)
  if (member === 'response_types') return effectiveResponseTypes(document)
  if (member === 'token_endpoint_auth_methods_supported') return methodsOf(document)
  return own(document, member) as readonly string[]
}

function withMember(document: ClientMetadata, member: string, value: JsonValue | undefined): ClientMetadata {
  const rest = Object.entries(document).filter(([name]) => name !== member)
  const entries = value === undefined ? rest : [...rest, [member, value] as const]
  // What is known of a member is known of its value in either version, and of a part of a list.
  return Object.fromEntries(entries) as ClientMetadata
}
