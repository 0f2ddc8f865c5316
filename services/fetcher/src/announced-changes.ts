import {
  type Announcement,
  announcementOf,
  compareMetadata,
  type MemberChange,
  oscillationOf,
  readStoredDocument,
} from '@cimd/core'
import type { Claim } from '@cimd/store'

/** What of a valid answer is announced, and against which version. */
export type Announced = {
  /** Absent: subscribers know the current version, and nothing is held. */
  readonly announcement?: Announcement['kind']
  readonly changes: readonly MemberChange[]
  /** The version announced last, where it is not the current one. */
  readonly changedFrom?: string
}

type Found = { readonly digest: string; readonly body: Uint8Array }

/**
 * What subscribers hear of a valid answer, new version or not: all that changed since the version announced last, or
 * nothing while the document comes and goes between versions (CHG-10). The first valid answer after it has come to rest
 * announces what was held.
 */
export function announcedChanges(claim: Claim, found: Found, at: Date): Announced {
  const { version, history = [], announced } = claim
  const before = announced ?? version
  if (before === undefined) return { changes: [] }
  const changes = changesBetween(claim, before, found)
  const oscillation = oscillationOf(history, { digest: found.digest, since: at })
  if (announcementOf(changes, oscillation).kind === 'held') return { announcement: 'held', changes: [] }
  return { changes, ...(announced && { announcement: 'told', changedFrom: announced.digest }) }
}

// What newer rules refuse is compared all the same: subscribers were told of it (CAC-12).
function changesBetween({ clientId }: Claim, before: Found, after: Found): readonly MemberChange[] {
  const [was, is] = [before, after].map(({ body }) => readStoredDocument({ body, rulesVersion: 0 }, clientId))
  return was?.ok && is?.ok ? compareMetadata(was.metadata, is.metadata) : []
}
