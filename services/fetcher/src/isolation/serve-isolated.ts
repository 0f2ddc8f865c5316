import type { FetchResult } from '@cimd/core'
import { evaluateFetch } from '../evaluate-fetch.ts'
import { evaluateResource } from '../evaluate-resource.ts'
import { examineKeys } from '../examine-keys.ts'
import { importableKeys } from '../import-keys.ts'
import { createWayOut, type FetcherNetwork } from '../way-out.ts'
import type { Asked, Told } from './contract.ts'

// Its parent ends the process instead.
const NEVER = new AbortController().signal

/**
 * Fetches and judges one thing for the parent process, and ends with it. It has no store, no queue and no secret of theirs; what
 * goes wrong in it ends it.
 */
export function serveIsolated(network: FetcherNetwork = {}): void {
  let fetched: FetchResult | undefined
  const answer = async (asked: Asked): Promise<Told> => {
    if (asked.kind === 'fetch') {
      fetched = await createWayOut(asked.config, network)(asked.request, NEVER)
      return { kind: 'fetched', result: fetched }
    }
    if (fetched === undefined) throw new Error('asked to judge what was not fetched')
    return asked.kind === 'evaluate_document' ? judgeDocument(asked, fetched) : judgeKeys(asked, fetched)
  }
  // A rejection that nobody handles ends the process, as it should.
  process.on('message', (asked: Asked) => void answer(asked).then(tell))
  tell({ kind: 'ready' })
}

function judgeDocument(
  { claim, finishedAt, jitter }: Extract<Asked, { kind: 'evaluate_document' }>,
  fetched: FetchResult,
): Told {
  return { kind: 'document', record: evaluateFetch(claim, fetched, finishedAt, jitter) }
}

async function judgeKeys(
  { claim, finishedAt, jitter }: Extract<Asked, { kind: 'evaluate_keys' }>,
  result: FetchResult,
): Promise<Told> {
  const held = result.kind === 'fetched' ? await examineKeys(importableKeys, result.body) : undefined
  const record = evaluateResource(claim, { result, ...(held && { held }) }, finishedAt, jitter)
  return { kind: 'keys', record }
}

function tell(told: Told): void {
  process.send?.(told)
}
