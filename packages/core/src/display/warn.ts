import { registrableDomainOf } from '../identifier/registrable-domain.ts'
import { hostingOf } from '../reputation/hosting.ts'
import type { ReputationReasonCode } from '../reputation/reputation.ts'
import type { ConsentDisplayInput } from './consent-display.ts'
import type { DisplayWarning } from './display-result.ts'
import type { KnownIndex } from './known-index.ts'
import { lookAlikeOf } from './look-alike.ts'
import { type MessageParams, messageOf } from './message.ts'
import { foreignHostIn, knownNameOf } from './name-claims.ts'
import type { RedirectTarget } from './redirects.ts'
import { hasMixedScripts } from './unicode-host.ts'
import { DISPLAY_WARNINGS, type DisplayWarningCode, SEVERITIES } from './warnings.ts'

/** How long a change of what users recognise a client by is told. */
export const RECENT_CHANGE_DAYS = 7
/** The members by which users recognise a client, or that say who gets the code. */
const RECOGNISED_MEMBERS: readonly string[] = ['client_name', 'logo_uri', 'redirect_uris']
const MEMBERS_TOLD_MAX = 10
const DAY_MILLISECONDS = 24 * 60 * 60 * 1000

/** What the warnings are about, besides what was given. */
export type WarningSubject = ConsentDisplayInput & {
  readonly host: string
  readonly name: string | undefined
  /** Where this request leads; without one, where any might. */
  readonly targets: readonly RedirectTarget[]
  readonly known: KnownIndex
}

/** Everything to warn of, the gravest first. */
export function warningsFor(subject: WarningSubject): readonly DisplayWarning[] {
  const warnings = [
    ...(subject.metadata === undefined ? [warn('no_document')] : []),
    ...hostWarnings(subject),
    ...nameWarnings(subject),
    ...reputationWarnings(subject),
    ...redirectWarnings(subject),
    ...changeWarnings(subject),
    ...hostingWarnings(subject),
  ]
  return warnings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
}

function hostWarnings({ host, known }: WarningSubject): readonly DisplayWarning[] {
  const alike = lookAlikeOf(host, known)
  return [
    ...(alike ? [warn(`look_alike_${alike.way}`, { host, resembles: alike.domain })] : []),
    ...(hasMixedScripts(host) ? [warn('mixed_scripts', { host })] : []),
  ]
}

function nameWarnings({ name, host, known }: WarningSubject): readonly DisplayWarning[] {
  if (name === undefined) return []
  const found = foreignHostIn(name, host)
  const resembles = knownNameOf(name, host, known)
  return [
    ...(found !== undefined ? [warn('name_contains_host', { found, host })] : []),
    ...(resembles !== undefined ? [warn('name_resembles', { resembles, host })] : []),
  ]
}

function reputationWarnings({ host, reputation }: WarningSubject): readonly DisplayWarning[] {
  const has = (code: ReputationReasonCode) => reputation.reasons.some((reason) => reason.code === code)
  if (has('ownership_changed')) return [warn('ownership_changed', { host })]
  if (reputation.tier !== 'first_seen') return []
  return [warn(has('never_seen') ? 'never_seen' : 'few_users', { host })]
}

function redirectWarnings({ host, targets }: WarningSubject): readonly DisplayWarning[] {
  const loopback = targets.length > 0 && targets.every(({ kind }) => kind === 'loopback')
  const own = registrableDomainOf(host)
  const elsewhere = targets.find(
    ({ kind, host: one }) => kind === 'https' && one !== null && registrableDomainOf(one) !== own,
  )?.host
  return [
    ...(loopback ? [warn('loopback_only')] : []),
    ...(elsewhere ? [warn('redirect_host_differs', { host, redirect_host: elsewhere })] : []),
  ]
}

function changeWarnings(subject: WarningSubject): readonly DisplayWarning[] {
  const { changes = [], heldMembers = [], stale = false, now } = subject
  const recent = changes.filter(
    ({ member, at }) =>
      isRecognised(member) && now.getTime() - at.getTime() < RECENT_CHANGE_DAYS * DAY_MILLISECONDS,
  )
  const changed = toldMembers(recent.map(({ member }) => member))
  const held = toldMembers(heldMembers)
  return [
    ...(changed ? [warn('recently_changed', { members: changed, days: RECENT_CHANGE_DAYS })] : []),
    ...(heldMembers.length > 0 ? [warn('held_changes', { members: held })] : []),
    ...(stale ? [warn('stale')] : []),
  ]
}

function isRecognised(member: string): boolean {
  return RECOGNISED_MEMBERS.includes(baseOf(member))
}

function baseOf(member: string): string {
  return member.replace(/#.*$/s, '')
}

// Names that only a stranger gave are not repeated.
function toldMembers(members: readonly string[]): string {
  const plain = members.map(baseOf).filter((member) => /^[a-z_]{1,64}$/.test(member))
  return [...new Set(plain)].slice(0, MEMBERS_TOLD_MAX).join(', ')
}

function hostingWarnings({ host, hostingLists }: WarningSubject): readonly DisplayWarning[] {
  const hosting = hostingOf(host, hostingLists)
  switch (hosting.kind) {
    case 'own':
      return []
    case 'cimd_service':
      return [warn('cimd_service', { service: hosting.host })]
    case 'shared_host':
      return [warn('shared_host', { host })]
    case 'shared_suffix':
      return [warn('shared_suffix', { host, suffix: hosting.suffix })]
  }
}

function warn(code: DisplayWarningCode, params: MessageParams = {}): DisplayWarning {
  const { severity, text } = DISPLAY_WARNINGS[code]
  return { code, severity, text: messageOf(text, params), params }
}
