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

/** A name that a person can read and type again. */
export function visibleName(text: string): string {
  if (text !== '' && text === text.trim() && text === printable(text) && text.length <= 200) return text
  throw new InvalidArgumentError('It must be 1 to 200 visible characters without blanks around them.')
}
