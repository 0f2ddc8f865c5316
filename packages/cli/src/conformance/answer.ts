import {
  chooseAuthMethod,
  compareMetadata,
  type Finding,
  freshnessOf,
  isProfileId,
  judgeProfile,
  matchRedirectUri,
  oscillationOf,
  parseAsMetadata,
  parseClientIdUrl,
  parseClientMetadata,
  usableCapabilities,
} from '@cimd/core'
import { z } from 'zod'
import { answerHistory, historyInput } from './answer-history.ts'
import { answerResponse, cacheHeadersOf, responseInput } from './answer-response.ts'
import { acceptedDocument, bytesOf, content, identifierOf, jsonObject } from './input.ts'
import type { ConformanceAnswer, Operation } from './vectors.ts'

const version = z
  .strictObject({ digest: z.string(), since: z.iso.datetime() })
  .transform(({ digest, since }) => ({ digest, since: new Date(since) }))

/** The registrar's own answer to a case: what any implementation is asked to give. */
export function answerCase(operation: Operation, input: unknown): ConformanceAnswer {
  return ANSWERS[operation](input)
}

const ANSWERS: Readonly<Record<Operation, (input: unknown) => ConformanceAnswer>> = {
  identifier: answering(
    z.strictObject({
      client_id: z.string(),
      allowed_ports: z.array(z.number()).default([443]),
      allow_non_canonical: z.boolean().default(false),
    }),
    ({ client_id, allowed_ports: allowedPorts, allow_non_canonical: allowNonCanonical }) =>
      verdictOf(parseClientIdUrl(client_id, { allowedPorts, allowNonCanonical })),
  ),
  document: answering(
    z.strictObject({ client_id: z.string(), bytes_max: z.number().default(5120), ...content }),
    ({ client_id, bytes_max: bytesMax, ...body }) =>
      verdictOf(parseClientMetadata(bytesOf(body), identifierOf(client_id), { bytesMax })),
  ),
  profile: answering(
    z.strictObject({
      profile: z.string().refine(isProfileId),
      client_id: z.string(),
      document: jsonObject,
      content_type: z.string().optional(),
    }),
    ({ profile, client_id, document, content_type: contentType }) => {
      const metadata = acceptedDocument(client_id, document)
      const findings = isProfileId(profile) ? judgeProfile(profile, { metadata, contentType }) : []
      return { verdict: findings.length === 0 ? 'accept' : 'refuse', codes: codesOf(findings) }
    },
  ),
  redirect: answering(
    z.strictObject({
      requested: z.string(),
      redirect_uris: z.array(z.string()),
      application_type: z.string().optional(),
    }),
    ({ requested, redirect_uris, application_type: type }) => {
      const document = { redirect_uris, ...(type !== undefined && { application_type: type }) }
      const match = matchRedirectUri(requested, document)
      return match.matched
        ? { verdict: 'match', entry: match.entry }
        : { verdict: 'no_match', reason: match.reason }
    },
  ),
  auth_method: answering(
    z.strictObject({ document: jsonObject, supported: z.array(z.string()) }),
    ({ document, supported }) => {
      const choice = chooseAuthMethod(document, supported)
      return choice.ok
        ? { verdict: choice.method, downgraded: choice.downgraded }
        : { verdict: 'refuse', codes: [choice.problem] }
    },
  ),
  capabilities: answering(
    z.strictObject({ client_id: z.string(), document: jsonObject, server: jsonObject }),
    ({ client_id, document, server }) => {
      const parsed = parseAsMetadata(server)
      if (!parsed.ok) throw new Error(`no server metadata: ${parsed.problems.join('; ')}`)
      const { grantTypes, responseTypes, scopes, problems } = usableCapabilities(
        acceptedDocument(client_id, document),
        parsed.metadata,
      )
      return {
        verdict: problems.length === 0 ? 'usable' : 'unusable',
        codes: problems,
        grant_types: grantTypes.usable,
        response_types: responseTypes.usable,
        ...(scopes && { scopes: scopes.usable }),
      }
    },
  ),
  response: answering(responseInput, answerResponse),
  freshness: answering(
    z.strictObject({
      headers: z.array(z.tuple([z.string(), z.string()])),
      received_at: z.iso.datetime(),
      response_delay_seconds: z.number().default(0),
      bounds: z.strictObject({ min: z.number(), default: z.number(), max: z.number() }),
    }),
    ({ headers, received_at, response_delay_seconds: responseDelaySeconds, bounds }) => {
      const freshness = freshnessOf(
        { headers: cacheHeadersOf(headers), receivedAt: new Date(received_at), responseDelaySeconds },
        { minSeconds: bounds.min, defaultSeconds: bounds.default, maxSeconds: bounds.max },
      )
      return { verdict: freshness.freshForSeconds, stale_forbidden: freshness.staleForbidden }
    },
  ),
  history: answering(historyInput, answerHistory),
  changes: answering(
    z.strictObject({ client_id: z.string(), before: jsonObject, after: jsonObject }),
    ({ client_id, before, after }) => {
      const changes = compareMetadata(acceptedDocument(client_id, before), acceptedDocument(client_id, after))
      const told = changes.map((change) => `${change.member} ${change.class}`)
      return { verdict: told }
    },
  ),
  oscillation: answering(
    z.strictObject({ earlier: z.array(version), current: version }),
    ({ earlier, current }) => {
      const { oscillating } = oscillationOf(earlier, current)
      return { verdict: oscillating ? 'oscillating' : 'at_rest' }
    },
  ),
}

function answering<Input>(
  schema: z.ZodType<Input>,
  answer: (input: Input) => ConformanceAnswer,
): (input: unknown) => ConformanceAnswer {
  return (input) => answer(schema.parse(input))
}

function verdictOf(
  result:
    | { readonly ok: true; readonly warnings: readonly Finding[] }
    | { readonly ok: false; readonly violations: readonly Finding[]; readonly warnings: readonly Finding[] },
): ConformanceAnswer {
  return {
    verdict: result.ok ? 'accept' : 'refuse',
    codes: result.ok ? [] : codesOf(result.violations),
    warnings: codesOf(result.warnings),
  }
}

function codesOf(findings: readonly { readonly code: string }[]): readonly string[] {
  return [...new Set(findings.map(({ code }) => code))]
}
