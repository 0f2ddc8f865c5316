import { documentAt } from '../documents.ts'
import type { ClientEvidence, Evidence, ResolveAnswer } from '../evidence.ts'
import { MINUTE } from '../kinds.ts'
import { isAccepted } from '../spells.ts'
import { clockTime, finding, type Invariant, isOfTheFault } from './invariant.ts'

/** A lifetime and the time a refresh may run behind it. */
const REVALIDATE_SECONDS = 10 * MINUTE
const SLACK_SECONDS = MINUTE
/** What the origin has just said may not be recorded yet. */
const IN_FLIGHT_SECONDS = 1

/** A removed redirect URI never matches after the next resolve that could reach the origin. */
export const removedRedirectsEnd: Invariant = ({ clients, texts, fault }) => {
  const violations: string[] = []
  const checked = { 'matches of listed ones': 0, 'refusals of removed ones': 0 }
  for (const evidence of clients) {
    for (const answer of evidence.answers) {
      if (answer.redirect === undefined) continue
      checked[answer.redirect.matched ? 'matches of listed ones' : 'refusals of removed ones'] += 1
      if (answer.redirect.matched)
        violations.push(...judgeMatch(evidence, answer, answer.redirect.uri, { texts, fault }))
    }
  }
  return finding('a removed redirect never matches again', checked, violations)
}

function judgeMatch(
  { client, requests }: ClientEvidence,
  answer: ResolveAnswer,
  uri: string,
  { texts, fault }: Pick<Evidence, 'texts' | 'fault'>,
): readonly string[] {
  const { from, until } = answer
  const told = `${uri} matches at ${clockTime(from)}`
  const newest = requests.findLast((request) => request.at <= from - IN_FLIGHT_SECONDS && isAccepted(request))
  const meanwhile = requests.filter((request) => request.at > from - IN_FLIGHT_SECONDS && request.at <= until)
  const known = [newest, ...meanwhile].flatMap((request) => request?.digest ?? [])
  if (!known.some((digest) => lists(texts.get(digest), uri))) return [`${told}, though we knew better`]
  // What the fault refused, were it for this very answer, nobody knows: the brake holds the version before it.
  if (isOfTheFault(answer, fault) && requests.some(({ at, refusedByFault }) => refusedByFault && at <= until))
    return []
  // Whatever was known: so long after the removal every resolve asks the origin, which is always well here.
  const boundSeconds = client.kind.lifetimeSeconds + REVALIDATE_SECONDS + SLACK_SECONDS
  const wasListed =
    lists(documentAt(client, from - boundSeconds).text, uri) || lists(documentAt(client, from).text, uri)
  return wasListed ? [] : [`${told}, though it was removed more than ${boundSeconds} s before`]
}

function lists(text: string | undefined, uri: string): boolean {
  return (JSON.parse(text ?? '{}').redirect_uris ?? []).includes(uri)
}
