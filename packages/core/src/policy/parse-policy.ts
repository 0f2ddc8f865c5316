import { z } from 'zod'
import { sha256Hex } from '../digest.ts'
import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '../json/json.ts'
import { escapePointer } from '../json/json-position.ts'
import { DEFAULT_TRUST_POLICY, policySchema, type TrustPolicy } from './policy-schema.ts'
import { senseProblems } from './policy-sense.ts'

/** One thing that is wrong with a policy. */
export type PolicyProblem = {
  /** RFC 6901 pointer to the value concerned; `''` is the policy itself. */
  readonly pointer: string
  readonly detail: string
  readonly advice: string
}

export type TrustPolicyResult =
  | { readonly ok: true; readonly policy: TrustPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] }

/**
 * Reads a policy that somebody wrote, and fills in what is not said (POL-01 to POL-06): every problem is told at once.
 * What it says has to make sense as well: no rule that could only be a mistake is taken.
 */
export function parseTrustPolicy(value: unknown): TrustPolicyResult {
  const read = readTrustPolicy(value)
  const problems = [...(read.ok ? [] : read.problems), ...senseProblems(value)]
  return read.ok && problems.length === 0 ? read : { ok: false, problems }
}

/**
 * Reads a policy that was taken before. A name that has become a public suffix since does not make it void: the one rule
 * lets nobody in any more, and the others count as ever. What is not known here is not passed over.
 */
export function readTrustPolicy(value: unknown): TrustPolicyResult {
  const parsed = policySchema.safeParse(value)
  if (parsed.success) return { ok: true, policy: parsed.data }
  return { ok: false, problems: parsed.error.issues.flatMap(problemsOf) }
}

/** A policy as JSON Schema 2020-12; what only makes sense in the light of the public suffix list is not in it. */
export function trustPolicyJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(policySchema, { io: 'input' })
}

/**
 * sha-256 of the canonical JSON of what a policy says beside the defaults: the same whether a default is written out or
 * not, and in a later release that knows more of them.
 */
export function policyDigest(policy: TrustPolicy): string {
  return sha256Hex(canonicalJson(beside(policy, DEFAULT_TRUST_POLICY)))
}

function beside(value: JsonObject, defaults: JsonObject): JsonObject {
  const said = Object.entries(value).flatMap(([member, own]): [string, JsonValue][] => {
    const usual = defaults[member]
    if (usual !== undefined && canonicalJson(own) === canonicalJson(usual)) return []
    return [[member, isJsonObject(own) && isJsonObject(usual) ? beside(own, usual) : own]]
  })
  return Object.fromEntries(said)
}

function problemsOf(issue: z.core.$ZodIssue): readonly PolicyProblem[] {
  const pointer = pointerTo(issue.path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        pointer: `${pointer}/${escapePointer(key)}`,
        detail: 'is not known here',
        advice: 'Correct its spelling, or leave it out.',
      }))
    case 'invalid_value':
      return [
        {
          pointer,
          detail: 'is none of the values there are',
          advice: `Write one of ${issue.values.join(', ')}.`,
        },
      ]
    default:
      return [{ pointer, detail: issue.message, advice: adviceOf(issue) }]
  }
}

function adviceOf(issue: z.core.$ZodIssue): string {
  const advice = issue.code === 'custom' ? issue.params?.['advice'] : undefined
  return typeof advice === 'string' ? advice : 'Write a value as docs/policy.schema.json says.'
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${escapePointer(String(step))}`).join('')
}
