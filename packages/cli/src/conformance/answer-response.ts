import {
  type CacheHeaderName,
  type CacheHeaders,
  judgeResponse,
  parseClientMetadata,
  type ResponseFailure,
} from '@cimd/core'
import { z } from 'zod'
import { bytesOf, content, identifierOf } from './input.ts'
import type { ConformanceAnswer } from './vectors.ts'

/** A whole response to the GET of a client_id. */
export const responseInput = z.strictObject({
  client_id: z.string(),
  status: z.number(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  validators_sent: z.boolean().default(false),
  bytes_max: z.number().default(5120),
  ...content,
})

type ResponseInput = z.infer<typeof responseInput>

/** What a response amounts to; a body that is refused is kept nowhere (CAC-04, CAC-05). */
export type JudgedResponse =
  | { readonly kind: 'valid'; readonly body: Uint8Array }
  | { readonly kind: 'not_modified' }
  | Pick<ResponseFailure, 'kind' | 'code'>

/** Judges a response by its head and then by its body. */
export function judgedResponse(input: ResponseInput): JudgedResponse {
  const headers = headerLines(input.headers)
  const circumstances = { validatorsSent: input.validators_sent, bodyBytesMax: input.bytes_max, nowMs: 0 }
  const verdict = judgeResponse({ status: input.status, headers }, circumstances)
  if (verdict.kind !== 'content') return verdict
  const body = bytesOf(input)
  const parsed = parseClientMetadata(body, identifierOf(input.client_id), { bytesMax: input.bytes_max })
  return parsed.ok ? { kind: 'valid', body } : { kind: 'failed', code: parsed.code }
}

/** The answer to a case about one response. */
export function answerResponse(input: ResponseInput): ConformanceAnswer {
  const judged = judgedResponse(input)
  if (judged.kind === 'failed') return { verdict: 'refuse', codes: [judged.code] }
  return { verdict: judged.kind, codes: [] }
}

function headerLines(
  headers: readonly (readonly [string, string])[],
): ReadonlyMap<string, readonly string[]> {
  const lines = new Map<string, string[]>()
  for (const [name, value] of headers) {
    lines.set(name.toLowerCase(), [...(lines.get(name.toLowerCase()) ?? []), value])
  }
  return lines
}

/** Header fields in the form that freshness is judged from. */
export function cacheHeadersOf(headers: readonly (readonly [string, string])[]): CacheHeaders {
  // Fields that decide nothing do no harm beside those that do.
  return Object.fromEntries(headerLines(headers)) as Partial<Record<CacheHeaderName, readonly string[]>>
}
