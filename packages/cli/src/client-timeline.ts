import { FAILURES, isFailureCode } from '@cimd/core'
import { z } from 'zod'
import { type Format, formatCount, formatInstant, type Output, say, sayFacts, sayTable } from './print.ts'

const finding = z.looseObject({ code: z.string(), since: z.string(), summary: z.string() })
const attempt = z.looseObject({
  kind: z.literal('attempt'),
  time: z.string(),
  outcome: z.string(),
  digest: z.string().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
})
const event = z.looseObject({
  kind: z.literal('event'),
  time: z.string(),
  type: z.string(),
  data: z.unknown(),
})

/** What the api tells of a client, as far as it is shown. */
export const shownClient = z.looseObject({
  client_id: z.string(),
  state: z.string(),
  freshness: z.looseObject({ state: z.enum(['fresh', 'stale', 'unusable']), until: z.string().optional() }),
  digest: z.string().optional(),
  validated_at: z.string().optional(),
  failure: finding.optional(),
  withdrawing: finding.optional(),
  held_by_brake: z.boolean(),
  quarantine: z.looseObject({ since: z.string(), until: z.string() }).optional(),
  next_look_at: z.string().optional(),
  fetch_pending: z.boolean(),
  dormant_since: z.string().optional(),
  leased_until: z.string(),
  versions: z.array(
    z.looseObject({
      digest: z.string(),
      first_seen_at: z.string(),
      last_confirmed_at: z.string(),
      current: z.boolean(),
      approved: z.boolean(),
      bound: z.array(z.looseObject({ kind: z.string(), until: z.string() })),
    }),
  ),
  history: z.array(z.union([attempt, event])),
  next: z.string().optional(),
})
type ShownClient = z.infer<typeof shownClient>

const STATES: Readonly<Record<string, string>> = {
  discovering: 'No document of this client was ever valid.',
  fresh: 'The newest attempt found a valid document.',
  stale: 'The lifetime of the document is over; the next use or refresh asks again.',
  failing_unreachable: 'The origin cannot be reached.',
  failing_ambiguous: 'Something before the publisher answers in its place.',
  failing_withdrawn:
    'The publisher says that the document is gone; only a valid answer within 15 minutes keeps the client.',
  failing_rejected:
    'The document has become invalid; only a valid answer within 15 minutes keeps the client.',
  failing_refused: 'The document is at an address that is not dialled.',
  withdrawn: 'The publisher took the document back.',
  rejected: 'The publisher made the document invalid.',
  dormant: 'Nobody uses the client, so nobody looks after it.',
}
const QUARANTINED = 'Whatever processes its answer dies of it, so nothing is fetched for now.'
const USES = {
  fresh: ['green', 'It may be used.'],
  stale: ['yellow', 'What is kept may still be used.'],
  unusable: ['red', 'It may not be used.'],
} as const satisfies Record<string, readonly [Format, string]>

/** Tells how a client is in one sentence, then why and what comes next, its versions, and what happened, newest first. */
export function sayClient(output: Output, client: ShownClient): void {
  const [format, use] = USES[client.freshness.state]
  say(
    output,
    [format, client.state.replace(/^failing_/, 'failing, ')],
    ': ',
    `${(client.quarantine ? QUARANTINED : STATES[client.state]) ?? ''} ${use}`.trim(),
  )
  sayFacts(output, factsOf(client))
  sayVersions(output, client)
  if (client.history.length === 0) return
  say(output, '')
  say(output, ['bold', 'History'], ', newest first')
  sayFacts(
    output,
    client.history.map((entry) => [
      at(entry.time),
      entry.kind === 'event' ? eventText(entry) : attemptText(entry),
    ]),
  )
  if (client.next !== undefined) say(output, ['dim', `  older: --before ${client.next}`])
}

function factsOf(client: ShownClient): readonly (readonly [string, string])[] {
  const { withdrawing, failure, freshness } = client
  const found = withdrawing ?? failure
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['client_id', client.client_id],
    ['found', found && `${found.code} since ${at(found.since)}: ${found.summary}`],
    ['confirmed', client.validated_at && at(client.validated_at)],
    [
      'usable',
      freshness.until && `until ${at(freshness.until)}${freshness.state === 'fresh' ? ', then stale' : ''}`,
    ],
    ['held', client.held_by_brake ? 'by the brake: an operator doubts what was found' : undefined],
    ['quarantine', quarantineText(client)],
    ['next look', nextLook(client)],
    ['dormant', client.dormant_since && `since ${at(client.dormant_since)}`],
    ['in use', `until ${at(client.leased_until)}, unless it is used again`],
  ]
  return facts.flatMap(([label, text]) => (text === undefined ? [] : [[label, text] as const]))
}

function quarantineText({ quarantine, client_id: clientId }: ShownClient): string | undefined {
  if (quarantine === undefined) return undefined
  return `${at(quarantine.since)} until ${at(quarantine.until)}; at once with: cimd client release ${clientId}`
}

function nextLook({ fetch_pending: isPending, next_look_at: next, quarantine }: ShownClient): string {
  if (quarantine !== undefined) return `not before ${at(quarantine.until)}`
  if (isPending) return 'now: a fetch is wanted or under way'
  return next === undefined ? 'when somebody uses it' : at(next)
}

function sayVersions(output: Output, { versions }: ShownClient): void {
  if (versions.length === 0) return
  say(output, '')
  say(output, ['bold', formatCount(versions.length, 'version')])
  const rows = versions.map((version) => [
    short(version.digest),
    at(version.first_seen_at),
    at(version.last_confirmed_at),
    [
      ...(version.current ? ['current'] : []),
      ...(version.approved ? ['approved'] : []),
      ...version.bound.map(({ kind, until }) => `${kind} until ${at(until)}`),
    ].join(', '),
  ])
  sayTable(
    output,
    ['  digest', 'first seen', 'last confirmed', 'kept as'],
    rows.map(([digest, ...rest]) => [`  ${digest}`, ...rest]),
  )
}

function attemptText({ outcome, digest, code, detail }: z.infer<typeof attempt>): string {
  const version = digest === undefined ? '' : ` ${short(digest)}`
  if (outcome === 'fetched') return `fetched${version}`
  if (outcome === 'not_modified') return `confirmed${version}, not modified`
  const told = detail || (isFailureCode(code ?? '') ? FAILURES[code as keyof typeof FAILURES].summary : '')
  return `failed: ${code ?? 'unknown'}${told === '' ? '' : `, ${told}`}`
}

const eventData = z
  .looseObject({
    digest: z.string(),
    to_digest: z.string(),
    code: z.string(),
    until: z.string(),
    changes: z.array(z.looseObject({ member: z.string(), class: z.string() })),
    added: z.array(z.unknown()),
    removed: z.array(z.unknown()),
  })
  .partial()
  .catch({})

function eventText({ type, data }: z.infer<typeof event>): string {
  const { digest, to_digest: to, code, until, changes, added, removed } = eventData.parse(data)
  const told = [
    ...(changes ?? []).map((change) => `${change.class} of ${change.member}`),
    ...(added && removed ? [`${formatCount(added.length, 'key')} added, ${removed.length} removed`] : []),
    ...(code === undefined ? [] : [code]),
    ...(until === undefined ? [] : [`usable until ${at(until)}`]),
    ...(to === undefined && digest === undefined ? [] : [short(to ?? digest ?? '')]),
  ]
  return `* ${type}${told.length === 0 ? '' : `: ${told.join(', ')}`}`
}

function at(instant: string): string {
  return formatInstant(new Date(instant))
}

function short(digest: string): string {
  return `${digest.slice(0, 12)}…`
}
