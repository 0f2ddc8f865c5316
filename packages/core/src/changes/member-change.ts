import type { ClientMetadata } from '../document/client-metadata.ts'
import type { JsonValue } from '../json/json.ts'

/** Every class there is. */
export const CHANGE_CLASSES = ['widening', 'narrowing', 'keys', 'display', 'cosmetic'] as const

/** What a change of one member means to an authorization server (CHG-07). */
export type ChangeClass = (typeof CHANGE_CLASSES)[number]

/** A change of one member; a member that lost and gained items has one entry for each (CHG-07). */
export type MemberChange = {
  readonly member: string
  readonly class: ChangeClass
  /** The value before, `undefined` if there was none; of a set only the items that went. */
  readonly before: JsonValue | undefined
  /** The value after, `undefined` if there is none; of a set only the items that came. */
  readonly after: JsonValue | undefined
}

/** The changes of one member whose values differ between two documents (CHG-07). */
export type Compare = (
  member: string,
  before: ClientMetadata,
  after: ClientMetadata,
) => readonly MemberChange[]

/** The distinct classes of some changes, sorted (CHG-07). */
export function changeClasses(changes: readonly MemberChange[]): readonly ChangeClass[] {
  return [...new Set(changes.map((change) => change.class))].sort()
}

/** A change as it is told (CHG-07). */
export function changeOf(
  member: string,
  changeClass: ChangeClass,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): MemberChange {
  return { member, class: changeClass, before, after }
}

/** A member of the document itself: one may be named `constructor`, and one read back from the store has a prototype (DOC-16). */
export function own(metadata: ClientMetadata, member: string): JsonValue | undefined {
  return Object.hasOwn(metadata, member) ? metadata[member] : undefined
}
