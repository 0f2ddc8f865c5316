import type { ClientEvidence, FaultEvidence } from '../evidence.ts'
import { HOUR, type Instant, MINUTE } from '../kinds.ts'
import { classOfRequest, isAccepted } from '../spells.ts'
import { clockTime, finding, type Invariant } from './invariant.ts'

const GRACE_SECONDS = 15 * MINUTE

/** From 15 minutes after the first 404 on, until a valid answer, nobody may use the client, however it alternates. */
export const withdrawnEnd: Invariant = ({ clients, fault }) => {
  const violations: string[] = []
  const checked = { withdrawals: 0, 'with an outage in between': 0, 'answers after the grace': 0 }
  for (const evidence of clients) {
    for (const { from, until, alternates } of wordsOf(evidence)) {
      const late = evidence.answers.filter(
        (answer) => answer.from >= from + GRACE_SECONDS && answer.until < until,
      )
      checked.withdrawals += 1
      checked['with an outage in between'] += alternates ? 1 : 0
      if (isHeld(from, fault)) continue
      checked['answers after the grace'] += late.length
      const used = late.find(({ kind }) => kind === 'ready')
      if (used !== undefined) {
        const { clientId } = evidence.client
        violations.push(`${clientId}: gone at ${clockTime(from)}, answered at ${clockTime(used.from)}`)
      }
    }
  }
  return finding('what is withdrawn is unusable within 15 minutes', checked, violations)
}

type Word = { readonly from: Instant; readonly until: Instant; readonly alternates: boolean }

/** When the publisher's word was heard and when a valid answer took it back. */
function wordsOf({ requests }: ClientEvidence): readonly Word[] {
  const words: Word[] = []
  const first = requests.findIndex(isAccepted)
  let open: { from: Instant; alternates: boolean } | undefined
  for (const request of first < 0 ? [] : requests.slice(first)) {
    if (isAccepted(request)) {
      if (open !== undefined) words.push({ ...open, until: request.at })
      open = undefined
      continue
    }
    const failureClass = classOfRequest(request)
    const isWord = failureClass === 'withdrawn' || failureClass === 'rejected'
    if (open === undefined && isWord) open = { from: request.at, alternates: false }
    else if (open !== undefined && !isWord) open.alternates = true
  }
  return open === undefined ? words : [...words, { ...open, until: Number.POSITIVE_INFINITY }]
}

// While it is engaged the brake doubts the finding itself; the planted fault is judged by a check of its own.
function isHeld(from: Instant, { engagedAt, releasedAt }: FaultEvidence): boolean {
  if (engagedAt === undefined) return false
  return from >= engagedAt - HOUR - MINUTE && from <= (releasedAt ?? Number.POSITIVE_INFINITY)
}
