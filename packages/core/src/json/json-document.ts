import type { FailureCode } from '../failure/failure.ts'
import { type Refusal, refusalOf, type Span, type Violation } from '../failure/finding.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { scanJson } from './json-scan.ts'

/** The object a body holds, as `JSON.parse` made it: take copies with `withoutPrototypes` only (DOC-16). */
export type JsonDocument = { readonly ok: true; readonly value: JsonObject } | Refusal

/** Reads a body as one JSON object: strict UTF-8, no duplicate members, nothing the store cannot hold (DOC-01, DOC-16). */
export function parseJsonDocument(body: Uint8Array): JsonDocument {
  const text = decodeUtf8(body)
  if (text === undefined) return refuse('encoding_invalid', 'the bytes are not UTF-8')
  if (text.startsWith('\u{FEFF}')) {
    return refuse('byte_order_mark', 'there is a byte order mark', { start: 0, end: 1 })
  }
  const value = parseJson(text)
  if (value === undefined) return refuse('json_invalid', 'the text is not JSON')
  const flaws = scanJson(text).map((flaw) => ({ ...flaw, rule: 'DOC-16' }))
  const refusal = refusalOf(flaws)
  if (refusal) return refusal
  return isJsonObject(value) ? { ok: true, value } : refuse('json_not_object', 'the top level is no object')
}

/**
 * A deep copy whose objects have no prototype and no `__proto__` member, so that neither looking up nor copying
 * a member by name can reach a prototype (DOC-16). The depth was bounded by `parseJsonDocument`.
 */
export function withoutPrototypes(value: JsonObject): JsonObject {
  const copy: Record<string, JsonValue> = Object.create(null)
  for (const [member, item] of Object.entries(value)) {
    if (member !== '__proto__') copy[member] = copyOf(item)
  }
  return copy
}

function copyOf(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(copyOf)
  return isJsonObject(value) ? withoutPrototypes(value) : value
}

function decodeUtf8(body: Uint8Array): string | undefined {
  try {
    // ignoreBOM keeps the mark in the text, where it can be seen.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    // `fatal` throws for one reason alone.
    return undefined
  }
}

function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text)
  } catch {
    // A text that is not JSON is all that it throws for.
    return undefined
  }
}

function refuse(code: FailureCode, detail: string, span?: Span): Refusal {
  const violation: Violation = { code, rule: 'DOC-01', detail, ...(span && { span }) }
  return { ok: false, code, violations: [violation], warnings: [] }
}
