import { type ClientIdUrl, classOf, FAILURES, heldUntil, lifeStateOf, readStoredDocument } from '@cimd/core'
import type { ClientLife, ClientView, HistoryEntry, KnownVersion } from '@cimd/store'
import { documentUsability, freshnessBody } from './freshness-body.ts'
import type { ClientBody } from './life-schemas.ts'

/** A client as its tenant may know it. `limit` is how many lines of history were asked for. */
export function clientBody(
  clientId: ClientIdUrl,
  view: ClientView,
  life: ClientLife,
  told: {
    readonly history: readonly HistoryEntry[]
    readonly limit: number
    readonly reputation: ClientBody['reputation']
  },
): ClientBody {
  const { history, limit, reputation } = told
  const { standing, now, version } = view
  const stored = version && readStoredDocument(version, clientId)
  const usability = documentUsability(view, stored?.ok === true && stored.refusal !== undefined)
  const next = history.length < limit ? undefined : history.at(-1)?.cursor
  return {
    client_id: clientId,
    state: lifeStateOf(standing, life.dormantSince, now),
    now: now.toISOString(),
    freshness: freshnessBody(usability, standing),
    digest: standing.digest,
    approved_digest: view.approved?.digest,
    ...standingBody(view),
    ownership: ownershipBody(view),
    attempted_at: view.attemptedAt?.toISOString(),
    next_look_at: life.dueAt?.toISOString(),
    fetch_pending: view.wanted > view.done,
    dormant_since: life.dormantSince?.toISOString(),
    first_demand_at: life.firstDemandAt.toISOString(),
    last_resolved_at: (view.lastResolvedAt ?? life.firstDemandAt).toISOString(),
    leased_until: life.leasedUntil.toISOString(),
    reputation,
    versions: life.versions.map(versionBody),
    history: history.map(entryBody),
    next,
  }
}

function standingBody({ standing, terms, now }: ClientView) {
  const { failure, withdrawing, quarantine } = standing
  const held = heldUntil(standing, terms.brake)
  return {
    validated_at: standing.validatedAt?.toISOString(),
    fresh_until: standing.freshUntil?.toISOString(),
    revalidate_until: standing.revalidateUntil?.toISOString(),
    usable_until: standing.usableUntil?.toISOString(),
    stale_forbidden: standing.staleForbidden,
    stale_if_error_seconds: standing.staleIfErrorSeconds,
    failure: failure && findingBody(failure),
    withdrawing: withdrawing && findingBody(withdrawing),
    held_by_brake: held !== undefined && now < held,
    retry_at: standing.retryAt?.toISOString(),
    quarantine: quarantine && {
      since: quarantine.since.toISOString(),
      until: quarantine.until.toISOString(),
    },
  }
}

function ownershipBody({ ownership }: ClientView): ClientBody['ownership'] {
  if (ownership === undefined) return undefined
  const { domain, era, acceptedEra, changedAt } = ownership
  return { domain, era, accepted_era: acceptedEra, changed_at: changedAt?.toISOString() }
}

function findingBody({ code, since }: NonNullable<ClientView['standing']['failure']>) {
  return { code, since: since.toISOString(), summary: FAILURES[code].summary }
}

function versionBody(version: KnownVersion): ClientBody['versions'][number] {
  return {
    digest: version.digest,
    first_seen_at: version.firstSeenAt.toISOString(),
    last_confirmed_at: version.lastConfirmedAt.toISOString(),
    current: version.isCurrent,
    approved: version.isApproved,
    bound: version.bound.map(({ kind, until }) => ({ kind, until: until.toISOString() })),
  }
}

function entryBody(entry: HistoryEntry): ClientBody['history'][number] {
  const time = entry.at.toISOString()
  if (entry.kind === 'event') {
    const { type, clientSeq: client_seq, data } = entry
    return { kind: 'event', time, type, client_seq, data }
  }
  const { outcome, digest, failure } = entry
  const code = failure?.code
  // What a name resolves to inside our network is for the operator's eyes: anybody can choose the name.
  const isTold = code !== undefined && classOf(code) !== 'refused'
  return { kind: 'attempt', time, outcome, digest, code, ...(isTold && { detail: failure?.detail }) }
}
