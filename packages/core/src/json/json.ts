/** A value of RFC 8259 (DOC-01). */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

/** An object of RFC 8259: the top level of every document (DOC-01). */
export type JsonObject = { readonly [member: string]: JsonValue }

/** Tells an object from an array, null and the scalars (DOC-01). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The RFC 8785 (JCS) form: equal for values that differ in member order and white space only (CHG-07). */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (isJsonObject(value)) return `{${canonicalMembers(value).join(',')}}`
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not a JSON number')
  return JSON.stringify(value)
}

function canonicalMembers(object: JsonObject): readonly string[] {
  // JCS orders by UTF-16 code units, which is what the comparison of strings does here.
  return Object.entries(object)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([member, value]) => `${JSON.stringify(member)}:${canonicalJson(value)}`)
}
