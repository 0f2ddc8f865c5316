import type { EventType } from '@cimd/core'
import type { ClientEvidence, Evidence, HeardEvent, ResolveAnswer } from '../evidence.ts'
import type { Instant } from '../kinds.ts'
import { isAccepted } from '../spells.ts'
import { finding, type Invariant } from './invariant.ts'

type Transition = { readonly at: Instant; readonly from: string; readonly to: string }
type Texts = Evidence['texts']

/**
 * Every accepted change that is more than cosmetic is exactly one event to each tenant that uses the client, and each is
 * told in turn that it is stale or withdrawn, and that it has recovered.
 */
export const changesAreOneEvent: Invariant = ({ clients, texts }) => {
  const violations: string[] = []
  const checked = {
    ...{ 'changes of documents': 0, 'changes of keys': 0, 'cosmetic changes': 0 },
    ...{ 'stale clients': 0, events: 0 },
  }
  for (const evidence of clients) {
    const changes = transitionsOf(evidence.requests)
    checked['cosmetic changes'] += changes.filter((change) => !isNoticed(change, texts)).length
    for (const tenant of evidence.client.tenants) {
      const firstUse = evidence.answers.find((answer) => answer.tenant === tenant)
      const heard = evidence.heard[tenant] ?? []
      if (firstUse === undefined) continue
      const since = firstUse.from
      const noticed = changes.filter((change) => change.at > since && isNoticed(change, texts))
      const rotated = keyChangesOf(evidence, texts).filter((change) => change.at > since)
      checked['changes of documents'] += noticed.length
      checked['changes of keys'] += rotated.length
      checked['stale clients'] += heard.filter(({ type }) => type === 'client.stale').length
      checked.events += heard.length
      violations.push(...judgeChanges(evidence, heard, noticed), ...judgeKeys(evidence, heard, rotated))
      violations.push(...judgeOnce(evidence, heard, firstUse), ...judgeTurns(evidence, heard, firstUse))
    }
  }
  return finding('every change is exactly one event', checked, violations)
}

function transitionsOf(requests: ClientEvidence['requests']): readonly Transition[] {
  const accepted = requests.filter(isAccepted)
  return accepted.flatMap(({ at, digest: to = '' }, index) => {
    const from = accepted[index - 1]?.digest
    return from === undefined || from === to ? [] : [{ at, from, to }]
  })
}

// White space is all that the publishers change without meaning.
function isNoticed({ from, to }: Transition, texts: Texts): boolean {
  return texts.get(from)?.trim() !== texts.get(to)?.trim()
}

/** The first key set behind a jwks_uri is a change too: there were no keys before. */
function keyChangesOf(
  { client, requests, keyRequests }: ClientEvidence,
  texts: Texts,
): readonly Transition[] {
  if (!client.kind.linkedKeys) {
    const keysIn = (digest: string) => JSON.stringify(JSON.parse(texts.get(digest) ?? '{}').jwks)
    return transitionsOf(requests).filter(({ from, to }) => keysIn(from) !== keysIn(to))
  }
  const first = keyRequests.find(isAccepted)
  if (first === undefined) return []
  return [{ at: first.at, from: '', to: first.digest ?? '' }, ...transitionsOf(keyRequests)]
}

function judgeChanges(
  { client }: ClientEvidence,
  heard: readonly HeardEvent[],
  noticed: readonly Transition[],
): readonly string[] {
  const told = heard
    .filter(({ type }) => type === 'client.metadata_changed')
    .map(({ data }) => `${data['from_digest']} to ${data['to_digest']}`)
  const expected = noticed.map(({ from, to }) => `${from} to ${to}`)
  if (told.join() === expected.join()) return []
  return [`${client.clientId}: ${expected.length} changes (${expected}), ${told.length} events (${told})`]
}

function judgeKeys(
  { client }: ClientEvidence,
  heard: readonly HeardEvent[],
  rotated: readonly Transition[],
): readonly string[] {
  const events = heard.filter(({ type }) => type === 'client.keys_changed')
  if (events.length === rotated.length) return []
  return [`${client.clientId}: ${rotated.length} changes of keys, ${events.length} events`]
}

/** A client is discovered once. */
function judgeOnce(
  { client, requests }: ClientEvidence,
  heard: readonly HeardEvent[],
  firstUse: ResolveAnswer,
): readonly string[] {
  const types = heard.map(({ type }) => type)
  const discovered = types.filter((type) => type === 'client.discovered').length
  const expected = discoveriesOf(requests.find(isAccepted)?.at, firstUse, discovered)
  return discovered === expected
    ? []
    : [`${client.clientId}: discovered ${discovered} times, not ${expected}`]
}

/** What may be told of a client after each of these. */
const TURNS: Partial<Record<EventType, readonly EventType[]>> = {
  'client.stale': ['client.withdrawn', 'client.recovered'],
  'client.withdrawn': ['client.recovered'],
  'client.recovered': ['client.stale', 'client.withdrawn'],
}

/** Whoever comes while a client fails may hear first that it has recovered. */
function judgeTurns(
  { client, requests }: ClientEvidence,
  heard: readonly HeardEvent[],
  firstUse: ResolveAnswer,
): readonly string[] {
  const turns = heard.map(({ type }) => type).filter((type) => TURNS[type] !== undefined)
  const before = isFailing(requests, firstUse) && turns[0] === 'client.recovered' ? 'stale' : 'recovered'
  const isInTurn = turns.every((type, index) => TURNS[turns[index - 1] ?? `client.${before}`]?.includes(type))
  return isInTurn ? [] : [`${client.clientId}: ${turns.join()}`]
}

function isFailing(requests: ClientEvidence['requests'], { from, until }: ResolveAnswer): boolean {
  const accepted = requests.findLastIndex((request) => isAccepted(request) && request.at < from)
  return requests.slice(accepted + 1).some((request) => !isAccepted(request) && request.at <= until)
}

// Two tenants may come to a client at once: the second is told, or its answer was made when all was known.
function discoveriesOf(knownAt: Instant | undefined, { from, until }: ResolveAnswer, told: number): number {
  if (knownAt === undefined || knownAt < from) return 0
  return knownAt <= until ? Math.min(told, 1) : 1
}
