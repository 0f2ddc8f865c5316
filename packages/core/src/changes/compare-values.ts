import type { ClientMetadata } from '../document/client-metadata.ts'
import { stringMember, stringsMember } from '../document/member-types.ts'
import { type ChangeClass, type Compare, changeOf, own } from './member-change.ts'

/** Every change of the member is of one class (CHG-07). */
export function compareAs(changeClass: ChangeClass): Compare {
  return compareBy(() => changeClass)
}

/** To name a place, or another one, is more than before; to name none is less (CHG-07, CHG-08). */
export const comparePresence: Compare = compareBy((member, _before, after) =>
  stringMember(after, member) === undefined ? 'narrowing' : 'widening',
)

/** Of such a member `true` is of the class given and `false` of the other; absent is `false` (CHG-07, DOC-18). */
export function compareSwitch(turnedOn: 'widening' | 'narrowing'): Compare {
  return (member, before, after) => {
    const [was, is] = [own(before, member) === true, own(after, member) === true]
    if (was === is) return []
    const isNarrower = is === (turnedOn === 'narrowing')
    return [changeOf(member, isNarrower ? 'narrowing' : 'widening', own(before, member), own(after, member))]
  }
}

/** The sooner users have to sign in again, the narrower; absent is never (CHG-07). */
export const compareMaxAge: Compare = compareBy((_member, before, after) => {
  const seconds = (metadata: ClientMetadata) => metadata.default_max_age ?? Number.POSITIVE_INFINITY
  return seconds(after) < seconds(before) ? 'narrowing' : 'widening'
})

/** A list in order of preference: its order counts, and of two lists nobody here knows which one asks more (CHG-07). */
export const compareAcrValues: Compare = compareBy((member, before, after) => {
  const asks = (metadata: ClientMetadata) => (stringsMember(metadata, member) ?? []).length > 0
  if (asks(before)) return 'widening'
  return asks(after) ? 'narrowing' : 'cosmetic'
})

/** A pairwise subject tells the client less of its user than any other; absent is the server's choice (CHG-07). */
export const compareSubjectType: Compare = compareBy((member, _before, after) =>
  stringMember(after, member) === 'pairwise' ? 'narrowing' : 'widening',
)

/** A web client's loopback redirects lose their freedom of port; absent and native are alike (RED-10). */
export const compareApplicationType: Compare = compareBy((_member, before, after) => {
  const [was, is] = [before.application_type === 'web', after.application_type === 'web']
  if (was === is) return 'cosmetic'
  return is ? 'narrowing' : 'widening'
})

/** One change, whose class is decided by both documents. */
export function compareBy(
  classOf: (member: string, before: ClientMetadata, after: ClientMetadata) => ChangeClass,
): Compare {
  return (member, before, after) => [
    changeOf(member, classOf(member, before, after), own(before, member), own(after, member)),
  ]
}
