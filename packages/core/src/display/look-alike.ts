import { editDistance } from './edit-distance.ts'
import {
  type DomainParts,
  domainPartsOf,
  type KnownDomain,
  type KnownIndex,
  lettersOf,
} from './known-index.ts'
import { skeletonOf } from './skeleton.ts'

/** In which way a host resembles a widely used one; the gravest first. */
export const LOOK_ALIKE_WAYS = ['confusable', 'embedded', 'other_suffix', 'edit_distance'] as const

export type LookAlike = {
  /** The registrable domain that it resembles. */
  readonly domain: string
  readonly way: (typeof LOOK_ALIKE_WAYS)[number]
}

/** Shorter labels are all within a letter or two of each other. */
const EDITED_LENGTH_MIN = 5
/** From here on two letters may differ. */
const LONG_LABEL_LENGTH = 10
/** Shorter labels are registered under every suffix, by different people. */
const SAME_LABEL_LENGTH_MIN = 4
/** As in `accounts.google.com.example.net` or `claude-ai.example`. */
const EMBEDDED_PARTS_MAX = 4

/**
 * The widely used domain that a host could be taken for, if it is not that domain or below it: by characters
 * that look the same (UTS #39), by having it as a part of the name, by its label under another public suffix,
 * or by one or two letters. The host is in lower case, with A-labels. A list of 10,000 costs some thousand
 * comparisons of numbers, and few of letters.
 */
export function lookAlikeOf(host: string, known: KnownIndex): LookAlike | undefined {
  const parts = domainPartsOf(host)
  if (parts === undefined || known.domains.has(parts.domain)) return undefined
  return confusable(parts, known) ?? embedded(parts, known) ?? sameLabel(parts, known) ?? edited(parts, known)
}

function confusable({ label, skeleton }: DomainParts, known: KnownIndex): LookAlike | undefined {
  const found = known.bySkeleton.get(skeleton)
  return found && found.label !== label ? { domain: found.domain, way: 'confusable' } : undefined
}

function embedded({ belowSuffix }: DomainParts, known: KnownIndex): LookAlike | undefined {
  const parts = belowSuffix.split(/[.-]/).map(skeletonOf)
  for (const start of parts.keys()) {
    for (let length = 2; length <= EMBEDDED_PARTS_MAX; length++) {
      const found = known.whole.get(parts.slice(start, start + length).join('.'))
      if (found) return { domain: found.domain, way: 'embedded' }
    }
  }
  return undefined
}

function sameLabel({ label, skeleton }: DomainParts, known: KnownIndex): LookAlike | undefined {
  const found = known.bySkeleton.get(skeleton)
  return found && label.length >= SAME_LABEL_LENGTH_MIN
    ? { domain: found.domain, way: 'other_suffix' }
    : undefined
}

function edited({ skeleton }: DomainParts, known: KnownIndex): LookAlike | undefined {
  const letters = lettersOf(skeleton)
  for (let most = 1; most <= distanceMax(skeleton.length); most++) {
    const found = candidates(skeleton.length, most, known).find((one) => isNear(one, skeleton, letters, most))
    if (found) return { domain: found.domain, way: 'edit_distance' }
  }
  return undefined
}

function distanceMax(length: number): number {
  if (length < EDITED_LENGTH_MIN) return 0
  return length < LONG_LABEL_LENGTH ? 1 : 2
}

function candidates(length: number, most: number, known: KnownIndex): readonly KnownDomain[] {
  const lengths = Array.from({ length: 2 * most + 1 }, (_, index) => length - most + index)
  return lengths.filter((one) => distanceMax(one) >= most).flatMap((one) => known.byLength.get(one) ?? [])
}

// An edit changes at most two of the letters that occur: one that goes, one that comes.
function isNear(one: KnownDomain, skeleton: string, letters: number, most: number): boolean {
  return bitsOf(one.letters ^ letters) <= 2 * most && editDistance(one.skeleton, skeleton, most) <= most
}

function bitsOf(number: number): number {
  let bits = 0
  for (let rest = number; rest !== 0; rest &= rest - 1) bits++
  return bits
}
