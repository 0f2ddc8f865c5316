import {
  type AskNameServers,
  type ContinuityJudgement,
  type FailureCode,
  type FetchDocument,
  type FetchResult,
  isNameServersDue,
  isSuspect,
  registrableDomainOf,
  type TakeBudget,
} from '@cimd/core'
import type { AttemptRecord, Claim, RecordedAttempt } from '@cimd/store'
import { ASKED_NOTHING, askBeside, type QuestionBeside } from './ask-beside.ts'
import { evaluateFetch, usableValidators } from './evaluate-fetch.ts'
import type { Evaluation } from './isolation/contract.ts'
import type { Isolation, TakeIsolation } from './isolation/isolate.ts'
import { type AnsweredBeside, domainOf } from './observe-owner.ts'

/** What fetching one client needs from the world. */
export type FetchClientDeps = {
  readonly claim: (client: string) => Promise<Claim | undefined>
  readonly takeBudget: TakeBudget
  readonly fetchDocument: FetchDocument
  /** For what is suspect, since claims of it were lost; absent: no process can be started that has the same network. */
  readonly takeIsolation?: TakeIsolation | undefined
  readonly askNameServers: AskNameServers
  /** Judges whose the domain is, before what was fetched of it counts. */
  readonly observeOwner: (
    record: AttemptRecord,
    answered: AnsweredBeside,
  ) => Promise<ContinuityJudgement | undefined>
  readonly record: (record: AttemptRecord) => Promise<RecordedAttempt>
  /** The claim with the keys and the logo that are usable now. */
  readonly renewLinked: (claim: Claim) => Promise<Claim>
  /** Tells those who wait, after the commit; `line`: those as well who wait for the place that is free by it. */
  readonly announce: (claim: Claim, events: number, line: boolean) => Promise<void>
  readonly enqueue: (queue: 'fetch' | 'refresh', client: string) => Promise<void>
  readonly defer: (claim: Claim, code: FailureCode, seconds: number) => Promise<void>
  readonly release: (claim: Claim) => Promise<void>
  /** Hands a claim back, as wanted as it was, to be taken up again after so many seconds. */
  readonly postpone: (claim: Claim, seconds: number) => Promise<void>
  /** Milliseconds of a clock that never jumps: the database's clock is read once, at the claim. */
  readonly monotonicMs: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/** How a job ended, for the log. */
export type FetchEnd =
  | { readonly kind: 'nothing_to_do' }
  | { readonly kind: 'deferred'; readonly claim: Claim; readonly code: FailureCode }
  /** It is to be worked alone, and another is. */
  | { readonly kind: 'postponed'; readonly claim: Claim }
  | {
      readonly kind: 'recorded'
      readonly claim: Claim
      readonly record: AttemptRecord
      readonly recorded: RecordedAttempt
      /** What became of the ownership of its domain, where that was looked at. */
      readonly ownership?: ContinuityJudgement | undefined
    }

/** A process is at work for a second or so; those that wait must not come back all at once. */
const POSTPONED_SECONDS = { min: 0.5, max: 3 } as const
/** How long name servers are waited for after the fetch; a claim outlasts both. */
const NAME_SERVERS_GRACE_MS = { urgent: 300, other: 2000 } as const
/** Where no process could be started: a fault of ours, which may last. */
const FAULT_SECONDS = 20

/**
 * What happens to a client_id: claimed, budgeted, fetched, validated, compared, judged by whose its domain is, recorded,
 * announced. A duplicate or late job finds nothing to claim. What several fetchers have died of, as it seems, is fetched and
 * judged in a process of its own. If `signal` aborts during that the claim is handed back and this rejects, so that the job
 * returns to its queue.
 */
export async function fetchClient(
  deps: FetchClientDeps,
  client: string,
  signal: AbortSignal,
): Promise<FetchEnd> {
  const claim = await deps.claim(client)
  if (claim === undefined) return { kind: 'nothing_to_do' }
  const claimedAtMs = deps.monotonicMs()
  using work = takeWork(deps, claim)
  if (work === undefined) {
    const { min, max } = POSTPONED_SECONDS
    await deps.postpone(claim, min + (max - min) * deps.random())
    return { kind: 'postponed', claim }
  }
  const budget = await deps.takeBudget({
    host: claim.host,
    domain: registrableDomainOf(claim.host),
    urgent: claim.urgent,
  })
  if (budget.kind === 'deferred') {
    await deps.defer(claim, budget.code, budget.retryAfterSeconds)
    await deps.announce(claim, 0, true)
    return { kind: 'deferred', claim, code: budget.code }
  }
  try {
    return await fetchAndRecord(deps, { work, claim, claimedAtMs }, signal)
  } finally {
    await budget.release()
  }
}

type Begun = { readonly work: Work; readonly claim: Claim; readonly claimedAtMs: number }

async function fetchAndRecord(
  deps: FetchClientDeps,
  { work, claim, claimedAtMs }: Begun,
  signal: AbortSignal,
): Promise<FetchEnd> {
  const orHandBack = handBackAfter(deps, work, claim, signal)
  using question = askForOwner(deps, work, claim)
  await orHandBack(() => work.fetch(signal))
  const finishedAt = new Date(claim.claimedAt.getTime() + (deps.monotonicMs() - claimedAtMs))
  const evaluation = { finishedAt, jitter: deps.random() }
  const evaluate = (renewed: Claim) => orHandBack(() => work.evaluate(renewed, evaluation))
  const judged = await evaluate(claim)
  const ownership = await deps.observeOwner(judged, await answerOf(question, claim))
  const { record, recorded } = await recordNewest(deps, judged, evaluate)
  const isOwnerNews = ownership?.verdict === 'discontinuous'
  const events = (recorded.applied ? record.events.length : 0) + (isOwnerNews ? 1 : 0)
  await deps.announce(claim, events, recorded.line ?? false)
  if (recorded.next !== undefined) await deps.enqueue(recorded.next, claim.client)
  return { kind: 'recorded', claim, record, recorded, ...(ownership && { ownership }) }
}

/** One fetch and its judgement, here or in a process of its own. */
type Work = Disposable & {
  readonly isAlone: boolean
  readonly fetch: (signal: AbortSignal) => Promise<void>
  readonly evaluate: (claim: Claim, evaluation: Evaluation) => Promise<AttemptRecord>
}

// Before the budget is taken: what waits for its turn would keep others from theirs.
function takeWork(deps: FetchClientDeps, claim: Claim): Work | undefined {
  if (deps.takeIsolation === undefined || !isSuspect(claim.lostClaims)) return workHere(deps, claim)
  const isolation = deps.takeIsolation()
  return isolation && workAlone(isolation, claim)
}

function workHere({ fetchDocument }: FetchClientDeps, claim: Claim): Work {
  let result: FetchResult | undefined
  return {
    isAlone: false,
    fetch: async (signal) => {
      result = await fetchDocument({ url: claim.clientId, validators: usableValidators(claim) }, signal)
    },
    evaluate: async (renewed, { finishedAt, jitter }) => {
      if (result === undefined) throw new Error('nothing was fetched')
      return evaluateFetch(renewed, result, finishedAt, jitter)
    },
    [Symbol.dispose]: () => {},
  }
}

function workAlone(isolation: Isolation, claim: Claim): Work {
  return {
    isAlone: true,
    fetch: async (signal) => {
      const request = {
        url: claim.clientId,
        resource: 'document',
        validators: usableValidators(claim),
      } as const
      await isolation.fetch(request, signal)
    },
    evaluate: isolation.evaluateDocument,
    [Symbol.dispose]: () => isolation[Symbol.dispose](),
  }
}

// What is suspect is worked alone, and nothing of it is asked for here.
function askForOwner({ askNameServers }: FetchClientDeps, { isAlone }: Work, claim: Claim): QuestionBeside {
  if (isAlone || !isNameServersDue(claim.domain, claim.claimedAt)) return ASKED_NOTHING
  return askBeside(askNameServers, domainOf(claim))
}

async function answerOf(question: QuestionBeside, { urgent }: Claim): Promise<AnsweredBeside> {
  if (!question.isAsked) return undefined
  return question.answer(NAME_SERVERS_GRACE_MS[urgent ? 'urgent' : 'other'])
}

// Its keys, its logo or its owner may have been found to be others while the document was fetched: what is announced counts
// from these.
async function recordNewest(
  deps: FetchClientDeps,
  record: AttemptRecord,
  evaluate: (claim: Claim) => Promise<AttemptRecord>,
): Promise<{ readonly record: AttemptRecord; readonly recorded: RecordedAttempt }> {
  const recorded = await deps.record(record)
  if (!recorded.overtaken) return { record, recorded }
  return recordNewest(deps, await evaluate(await deps.renewLinked(record.claim)), evaluate)
}

/** Hands the claim back where a step is aborted, or no process could be had for it. */
function handBackAfter(deps: FetchClientDeps, { isAlone }: Work, claim: Claim, signal: AbortSignal) {
  return async <T>(step: () => Promise<T>): Promise<T> => {
    try {
      return await step()
    } catch (error) {
      if (signal.aborted) await deps.release(claim)
      else if (isAlone) await deps.postpone(claim, FAULT_SECONDS)
      throw error
    }
  }
}
