import { toUnicode } from 'tr46'
import { mixesScripts } from './scripts.ts'
import { hasAccents, skeletonOf } from './skeleton.ts'

const LETTERS_AND_DIGITS = /^[\p{L}\p{M}\p{N}-]+$/u
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u
const LATIN = /^[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]+$/u
const ASCII_TEXT = /^[!-~]*$/
const ASCII_SIGN = /[!-,./:-@[-`{-~]/

/** A host of A-labels as its publisher means it to be read (UTS #46); as it is where that cannot be told. */
export function decodedHost(host: string): string {
  const { domain, error } = decode(host)
  return error ? host : domain
}

function decode(host: string): { readonly domain: string; readonly error: boolean } {
  // Most hosts have no A-label, and then it would only cost time.
  if (!host.includes('xn--')) return { domain: host, error: false }
  return toUnicode(host, { checkBidi: true, checkJoiners: true, useSTD3ASCIIRules: true })
}

/**
 * The Unicode form of a host with A-labels, where it may be shown beside them (UI-07): undefined if there are
 * none, if it is no valid name, or if any label mixes scripts, is written in none of today's, or looks like
 * plain ASCII or its punctuation.
 */
export function safeUnicodeHost(host: string): string | undefined {
  const { domain, error } = decode(host)
  if (error || domain === host || domain.normalize('NFC') !== domain) return undefined
  return domain.split('.').every(isSafeLabel) ? domain : undefined
}

function isSafeLabel(label: string): boolean {
  if (ASCII_TEXT.test(label)) return true
  if (!LETTERS_AND_DIGITS.test(label) || INVISIBLE.test(label) || mixesScripts(label)) return false
  const looks = skeletonOf(label)
  // With its accents honest Latin differs from the ASCII that its skeleton may be; other scripts need none to
  // deceive.
  const isAccentedLatin = LATIN.test(label) && hasAccents(label)
  return (isAccentedLatin || !ASCII_TEXT.test(looks)) && !ASCII_SIGN.test(looks)
}

/**
 * Whether a label of a host mixes scripts that are not written together, or cannot be read at all (UTS #39).
 */
export function hasMixedScripts(host: string): boolean {
  const { domain, error } = decode(host)
  return error
    ? host.split('.').some((label) => label.startsWith('xn--'))
    : domain.split('.').some(mixesScripts)
}
