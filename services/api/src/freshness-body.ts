import { type ClientStanding, type Usability, usabilityOf, usabilityUnderOldRules } from '@cimd/core'
import type { ClientView } from '@cimd/store'

/** How far something may be used, as an answer says it. */
export type FreshnessBody = {
  readonly state: 'fresh' | 'stale' | 'unusable'
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly why?: string | undefined
}

/** How far the document of a view may be used. That which was registered and stays is fresh whatever its publisher does (FET-27). */
export function viewUsability({ standing, now, terms, registration }: ClientView): Usability {
  return registration?.isPinned ? { kind: 'fresh' } : usabilityOf(standing, now, terms)
}

/** The same, if only newer rules than it was stored under refuse it or not (CAC-12). */
export function documentUsability(view: ClientView, underOldRules: boolean): Usability {
  const usability = viewUsability(view)
  return underOldRules ? usabilityUnderOldRules(usability, view.standing) : usability
}

/** Says how far a document or a key set may be used, since when it is stale and until when, and why (CAC-13). */
export function freshnessBody(usability: Usability, standing: ClientStanding): FreshnessBody {
  if (usability.kind === 'fresh') return { state: 'fresh', until: standing.freshUntil?.toISOString() }
  if (usability.kind === 'unusable') return { state: 'unusable', why: usability.why }
  const { since, until, why } = usability
  return { state: 'stale', since: since.toISOString(), until: until.toISOString(), why }
}
