import { type ChainHead, SECRET_OVERLAP_SECONDS } from '@cimd/core'
import { KEY_OVERLAP_SECONDS } from '@cimd/store'
import { InvalidArgumentError } from 'commander'
import { printable } from './print.ts'

/** A whole number from 0 up. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

/** Days from 1 to a hundred years. */
export function dayCount(text: string): number {
  const days = wholeNumber(text)
  if (days >= 1 && days <= 36_500) return days
  throw new InvalidArgumentError('It must be from 1 to 36500.')
}

/** A place in the feed of a tenant. */
export function feedCursor(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a cursor of the feed.')
}

/** A place in the audit of a tenant. */
export function auditPlace(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a place in the chain, as SEQ of `cimd audit show`.')
}

/** A digest, in the one spelling that is stored. */
export function sha256(text: string): string {
  if (/^[\da-f]{64}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError(
    'It must be the whole digest, 64 hex digits: what is shown elsewhere may be cut.',
  )
}

/** Seconds that an old secret may sign as well. */
export function overlapSeconds(text: string): number {
  const seconds = wholeNumber(text)
  if (seconds <= SECRET_OVERLAP_SECONDS.max) return seconds
  throw new InvalidArgumentError(`It must be at most ${SECRET_OVERLAP_SECONDS.max}.`)
}

/** Seconds that a key which is replaced may work as well. */
export function keyOverlapSeconds(text: string): number {
  const seconds = wholeNumber(text)
  if (seconds <= KEY_OVERLAP_SECONDS.max) return seconds
  throw new InvalidArgumentError(`It must be at most ${KEY_OVERLAP_SECONDS.max}.`)
}

/** An id as the store makes them. */
export function uuid(text: string): string {
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('It must be a UUID.')
}

/** The pseudonym of a subject, which is what the audit knows of it. */
export function pseudonym(text: string): string {
  try {
    return uuid(text)
  } catch {
    throw new InvalidArgumentError(
      'It must be a UUID. A subject as it was reported goes with --subject-file.',
    )
  }
}

/** A name that a person can read and type again. */
export function visibleName(text: string): string {
  if (text !== '' && text === text.trim() && text === printable(text) && text.length <= 200) return text
  throw new InvalidArgumentError('It must be 1 to 200 visible characters without blanks around them.')
}

/** An instant: a date, which is its beginning in UTC, or a date and a time with its offset. */
export function instant(text: string): Date {
  const isInstant = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(
    text,
  )
  const date = new Date(text)
  if (isInstant && !Number.isNaN(date.getTime())) return date
  throw new InvalidArgumentError('It must be a date such as 2026-03-31, or 2026-03-31T12:00:00Z.')
}

/** Heads of a chain, one after the other: `seq:hash`. */
export function chainHeads(text: string, before: readonly ChainHead[] = []): readonly ChainHead[] {
  const [, seq, hash] = /^([1-9]\d{0,15}):([\da-f]{64})$/.exec(text) ?? []
  if (seq !== undefined && hash !== undefined && Number.isSafeInteger(Number(seq))) {
    return [...before, { seq: Number(seq), hash }]
  }
  throw new InvalidArgumentError('It must be a head as `cimd audit verify` tells it: seq:hash.')
}
