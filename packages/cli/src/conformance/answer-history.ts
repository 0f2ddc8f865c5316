import {
  type AttemptOutcome,
  freshnessOf,
  judgeAttempt,
  sha256Hex,
  UNKNOWN_STANDING,
  usabilityOf,
} from '@cimd/core'
import { z } from 'zod'
import { cacheHeadersOf, judgedResponse, responseInput } from './answer-response.ts'
import type { ConformanceAnswer } from './vectors.ts'

/** Responses to one client_id in the order in which they came, and when somebody asks for the client. */
export const historyInput = z.strictObject({
  client_id: z.string(),
  responses: z.array(
    responseInput.omit({ client_id: true }).extend({
      at: z.iso.datetime(),
      /** A failure to get any response at all, instead of one. */
      failure: z.enum(['dns_failed', 'connect_failed', 'tls_failed', 'timeout_response']).optional(),
      status: z.number().default(200),
      headers: responseInput.shape.headers.default([]),
    }),
  ),
  asked_at: z.iso.datetime(),
})

type HistoryInput = z.infer<typeof historyInput>

/** Which response's document the client has when it is asked for, and whether it may be used. */
export function answerHistory({ client_id, responses, asked_at }: HistoryInput): ConformanceAnswer {
  let standing = UNKNOWN_STANDING
  let held: number | null = null
  for (const [index, response] of responses.entries()) {
    const at = new Date(response.at)
    const outcome = outcomeOf(client_id, response, at, standing.digest)
    if (outcome.kind === 'valid' && outcome.digest !== standing.digest) held = index
    standing = judgeAttempt(standing, outcome, at, 0).standing
  }
  const usability = usabilityOf(standing, new Date(asked_at))
  return { verdict: usability.kind, document: usability.kind === 'unusable' ? null : held }
}

function outcomeOf(
  clientId: string,
  response: HistoryInput['responses'][number],
  receivedAt: Date,
  digest: string | undefined,
): AttemptOutcome {
  const { at: _, failure, ...rest } = response
  if (failure !== undefined) return { kind: 'failed', code: failure }
  const judged = judgedResponse({ ...rest, client_id: clientId })
  if (judged.kind === 'failed') return judged
  const headers = cacheHeadersOf(response.headers)
  const freshness = freshnessOf({ headers, receivedAt, responseDelaySeconds: 0 })
  const confirmed = judged.kind === 'valid' ? sha256Hex(judged.body) : digest
  if (confirmed === undefined) throw new Error('a 304 before any document: no validators can have been sent')
  return { kind: 'valid', digest: confirmed, freshness, changes: [] }
}
