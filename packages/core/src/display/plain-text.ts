/** How long a text may be that is shown: grapheme clusters, which is what a reader counts. */
export const NAME_GRAPHEMES_MAX = 64

/** More is no text of any script that is in use, but a tower of accents that covers the lines around it. */
const MARKS_MAX = 4
/** Some clusters, as of Korean letters, may be of any length. */
const CODE_POINTS_OF_GRAPHEME_MAX = 8
/** Bounds the work; nobody's name is as long, whatever is removed from it. */
const TEXT_LENGTH_MAX = 4_096

// Braille blank shows nothing, though it counts as a symbol.
const BLANK = /[\p{White_Space}\p{Cc}\u2800]+/gu
// Format characters (bidi controls and isolates, zero width, tags), variation selectors and fillers, what has
// no meaning of its own, and the places of objects that are not there.
const INVISIBLE = /[\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\ufff9-\ufffd]+/gu
const MARK_TOWER = new RegExp(`(\\p{M}{${MARKS_MAX}})\\p{M}+`, 'gu')
const LEADING_MARKS = /^[\p{M}\s]+/u

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * What a stranger's text may look like on a page: one line in Unicode's NFC, without control, format or
 * invisible characters, at most so many grapheme clusters, the last an ellipsis if there was more (UI-07). It
 * is plain text: whoever puts it into HTML escapes it, and isolates it (`<bdi>`) since it may be written from
 * right to left. Undefined where nothing is left to see.
 */
export function plainText(text: string, graphemesMax: number = NAME_GRAPHEMES_MAX): string | undefined {
  const visible = text
    .slice(0, TEXT_LENGTH_MAX)
    .toWellFormed()
    .replace(BLANK, ' ')
    .replace(INVISIBLE, '')
    .normalize('NFC')
    .replace(MARK_TOWER, '$1')
    .replace(LEADING_MARKS, '')
    .replace(/ {2,}/g, ' ')
    .trim()
  const cut = cutToGraphemes(visible, graphemesMax).normalize('NFC').trim()
  return cut === '' ? undefined : cut
}

function cutToGraphemes(text: string, graphemesMax: number): string {
  const kept: string[] = []
  for (const { segment } of GRAPHEMES.segment(text)) {
    if (kept.length === graphemesMax) return `${kept.slice(0, -1).join('').trimEnd()}…`
    kept.push([...segment].slice(0, CODE_POINTS_OF_GRAPHEME_MAX).join(''))
  }
  return kept.join('')
}
