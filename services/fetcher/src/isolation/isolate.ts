import { type FetchEvidence, type FetchResult, QUARANTINED } from '@cimd/core'
import type { AttemptRecord, Claim, ResourceClaim, ResourceRecord } from '@cimd/store'
import { evaluateFetch } from '../evaluate-fetch.ts'
import { evaluateResource } from '../evaluate-resource.ts'
import { createSlots } from '../slots.ts'
import type { IsolatedScript, WayOutConfig } from '../way-out.ts'
import type { Asked, Evaluation, FetchRequest, Told } from './contract.ts'
import { type Death, type IsolatedProcess, startIsolated } from './isolated-process.ts'

/**
 * Works one thing in a process of its own. Where that dies, the fetch has failed as `quarantined`, and is recorded as that:
 * whoever else is worked by this fetcher notices nothing.
 */
export type Isolation = Disposable & {
  /** Rejects where no process can be started, which says nothing of what is worked, and with the reason of `signal`. */
  readonly fetch: (request: FetchRequest, signal: AbortSignal) => Promise<FetchResult>
  readonly evaluateDocument: (claim: Claim, evaluation: Evaluation) => Promise<AttemptRecord>
  readonly evaluateKeys: (claim: ResourceClaim, evaluation: Evaluation) => Promise<ResourceRecord>
}

/** The right to one; undefined while another is at work. */
export type TakeIsolation = () => Isolation | undefined

export type IsolationOptions = {
  readonly config: WayOutConfig
  readonly script: IsolatedScript
  readonly onDeath: (url: string, death: Death) => void
}

/** A fetch ends itself at its deadline; one that does not is stuck, unless the machine stood still for as long. */
const FETCH_SLACK_MS = 3000
/** Judging takes milliseconds. */
const EVALUATION_MS = 5000

/** One at a time: what is suspect is rare, and each has the memory of a process. */
export function createIsolation(options: IsolationOptions): TakeIsolation {
  const takeSlot = createSlots(1)
  return () => {
    const slot = takeSlot()
    return slot && isolate(options, slot)
  }
}

function isolate({ config, script, onDeath }: IsolationOptions, slot: Disposable): Isolation {
  let worker: IsolatedProcess | undefined
  let url = ''
  let failed: FetchResult | undefined
  const ask = async <Kind extends Told['kind']>(kind: Kind, asked: Asked, ms: number, why: string) => {
    if (worker === undefined) throw new Error('asked before anything was fetched')
    const told = await worker.ask(asked, ms, why)
    if (told.kind === kind) return told as Extract<Told, { kind: Kind }>
    if (told.kind !== 'died')
      throw new Error(`the process for what is suspect answered ${told.kind}, not ${kind}`)
    onDeath(url, told)
    failed = failureOf(told)
    return undefined
  }
  return {
    fetch: async (request, signal) => {
      url = request.url
      worker = await startIsolated(script, signal)
      const ms = config.fetch.deadlineMs + FETCH_SLACK_MS
      const told = await ask('fetched', { kind: 'fetch', config, request }, ms, 'the fetch')
      return told?.result ?? present(failed)
    },
    evaluateDocument: async (claim, { finishedAt, jitter }) => {
      const asked = { kind: 'evaluate_document', claim, finishedAt, jitter } as const
      const told = failed ? undefined : await ask('document', asked, EVALUATION_MS, 'judging the document')
      if (told === undefined) return evaluateFetch(claim, present(failed), finishedAt, jitter)
      // Whatever it has read, it speaks of this claim alone.
      return { ...told.record, claim }
    },
    evaluateKeys: async (claim, { finishedAt, jitter }) => {
      const asked = { kind: 'evaluate_keys', claim, finishedAt, jitter } as const
      const told = failed ? undefined : await ask('keys', asked, EVALUATION_MS, 'judging the keys')
      if (told === undefined) return evaluateResource(claim, { result: present(failed) }, finishedAt, jitter)
      return { ...told.record, claim }
    },
    [Symbol.dispose]: () => {
      worker?.[Symbol.dispose]()
      slot[Symbol.dispose]()
    },
  }
}

// How far it came is not known.
const NOTHING_SEEN: FetchEvidence = { phase: 'url', addresses: [], bodyBytes: 0, times: { totalMs: 0 } }

function failureOf({ how }: Death): FetchResult {
  const detail = `the process that worked it alone died: ${how}`
  return { kind: 'failed', code: QUARANTINED, detail, evidence: NOTHING_SEEN }
}

function present(result: FetchResult | undefined): FetchResult {
  if (result === undefined) throw new Error('no death was noted')
  return result
}
