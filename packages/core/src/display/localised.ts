import type { JsonObject } from '../json/json.ts'

/** A value and the language that the document says it is in, undefined where it says none. */
export type Localised = { readonly value: string; readonly language: string | undefined }

/** More would only cost time: a browser sends about ten. */
const LANGUAGES_MAX = 20
const TAG = /^[a-z]{1,8}(?:-[a-z0-9]{1,8}){0,7}$/

/**
 * The value of a member in the first of some languages that there is one in: `client_name#ja` (RFC 7591
 * section 2.2), found by the lookup of BCP 47 (RFC 4647 section 3.4). Otherwise the one without a language,
 * or the first with one. Empty ones count as absent.
 */
export function localisedMember(
  document: JsonObject,
  member: string,
  languages: readonly string[],
): Localised | undefined {
  const values = valuesOf(document, member)
  for (const range of languages.slice(0, LANGUAGES_MAX)) {
    for (let tag = range.toLowerCase(); TAG.test(tag); tag = shortened(tag)) {
      const value = values.get(tag)
      if (value !== undefined) return { value, language: tag }
    }
  }
  const [fallback] = [...values].toSorted(([a], [b]) => Number(a !== '') - Number(b !== ''))
  return fallback && { value: fallback[1], language: fallback[0] || undefined }
}

/** By language in lower case; the empty one is none. The first of two that differ in case counts. */
function valuesOf(document: JsonObject, member: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(document)) {
    const tag = tagOf(name, member)
    const counts = tag !== undefined && typeof value === 'string' && value !== '' && !values.has(tag)
    if (counts) values.set(tag, value)
  }
  return values
}

function tagOf(name: string, member: string): string | undefined {
  if (name === member) return ''
  const tag = name.startsWith(`${member}#`) ? name.slice(member.length + 1).toLowerCase() : ''
  return TAG.test(tag) ? tag : undefined
}

// A single letter or digit introduces what follows it, and goes with it.
function shortened(tag: string): string {
  return tag.replace(/(?:-[a-z0-9])?-[a-z0-9]+$|^[a-z]+$/, '')
}
