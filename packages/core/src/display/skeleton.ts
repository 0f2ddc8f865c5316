import unhomoglyph from 'unhomoglyph'

const IGNORED = /\p{Default_Ignorable_Code_Point}+/gu
const MARKS = /\p{M}+/gu
/** More than any label or name has; bounds the work. */
const SKELETON_LENGTH_MAX = 256

/**
 * What a text looks like: two with one skeleton can be taken for each other (UTS #39 section 4, with the
 * confusables of Unicode 13). Capitals and accents are passed over, and `rn` is read as `m` rather than the
 * other way round, so that one letter that was exchanged stays one.
 */
export function skeletonOf(text: string): string {
  const plain = prototypesOf(text).replace(MARKS, '').toLowerCase()
  return plain.replaceAll('rn', 'm').slice(0, SKELETON_LENGTH_MAX)
}

/** Whether a text has accents, or strokes through its letters, which its skeleton passes over. */
export function hasAccents(text: string): boolean {
  return prototypesOf(text).search(MARKS) >= 0
}

function prototypesOf(text: string): string {
  const decomposed = text.slice(0, SKELETON_LENGTH_MAX).toLowerCase().normalize('NFD').replace(IGNORED, '')
  return unhomoglyph(decomposed).normalize('NFD')
}
