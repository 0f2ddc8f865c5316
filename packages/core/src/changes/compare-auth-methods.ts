import { authMethodRank } from '../capabilities/auth-method.ts'
import type { ClientMetadata } from '../document/client-metadata.ts'
import { pluralMethods } from '../document/credential-rules.ts'
import { stringMember } from '../document/member-types.ts'
import { permissionChanges } from './compare-sets.ts'
import { compareBy } from './compare-values.ts'
import type { ChangeClass, Compare } from './member-change.ts'

/** To prove less than before widens, to prove more narrows (KEY-11); absent is read as none (KEY-09). */
export const compareAuthMethod: Compare = compareBy((_member, before, after) =>
  methodClass(leastMethod(before), leastMethod(after)),
)

function methodClass(before: string, after: string): ChangeClass {
  const [was, is] = [authMethodRank(before), authMethodRank(after)]
  if (before === after) return 'cosmetic'
  if (was !== is) return is > was ? 'narrowing' : 'widening'
  // Of two methods we do not know, the new one may prove less.
  return is === 2 ? 'keys' : 'widening'
}

/** The declared method; with the plural alone, the one of it that proves least, since nobody may assume none (KEY-09). */
function leastMethod(metadata: ClientMetadata): string {
  const declared = stringMember(metadata, 'token_endpoint_auth_method')
  // By name among equals: the plural is a set.
  const [least = 'none'] = (pluralMethods(metadata) ?? []).toSorted(
    (a, b) => authMethodRank(a) - authMethodRank(b) || (a < b ? -1 : 1),
  )
  return declared ?? least
}

/**
 * The methods a client may use: without the plural the singular alone (KEY-09, KEY-10). Servers choose the strongest of
 * them, so where that is lost the rest may prove less, and a removal widens (KEY-11).
 */
export const compareAuthMethods: Compare = (member, before, after) => {
  const changes = permissionChanges(member, methodsOf(before), methodsOf(after))
  return strongestRank(after) < strongestRank(before)
    ? changes.map((change) => ({ ...change, class: 'widening' }))
    : changes
}

/** The methods a client may use: those of the plural, else the one declared (KEY-09, KEY-10). */
export function methodsOf(metadata: ClientMetadata): readonly string[] {
  return pluralMethods(metadata) ?? [stringMember(metadata, 'token_endpoint_auth_method') ?? 'none']
}

function strongestRank(metadata: ClientMetadata): number {
  return Math.max(0, ...methodsOf(metadata).map(authMethodRank))
}
