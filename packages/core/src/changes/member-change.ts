import type { JsonValue } from '../json/json.ts'

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

/** The distinct classes of some changes, sorted (CHG-07). */
export function changeClasses(changes: readonly MemberChange[]): readonly ChangeClass[] {
  return [...new Set(changes.map((change) => change.class))].sort()
}

/** A change as it is told. */
export function changeOf(
  member: string,
  changeClass: ChangeClass,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): MemberChange {
  return { member, class: changeClass, before, after }
}
