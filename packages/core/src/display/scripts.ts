// Scripts in everyday use (UAX #31, table 5), and whatever belongs to no script. What UTS #39 calls highly
// restrictive: one script, or Latin with those that East Asian names are written in.
const SINGLE_SCRIPT: readonly RegExp[] = [
  ...[
    'Latin Cyrillic Greek Armenian Georgian Hebrew Arabic Thaana Ethiopic Devanagari Bengali Gurmukhi Gujarati',
    'Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Khmer',
  ].flatMap((line) => line.split(' ').map((script) => [script])),
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
].map((scripts) => {
  const members = ['Common', 'Inherited', ...scripts].map((script) => `\\p{Script_Extensions=${script}}`)
  return new RegExp(`^[${members.join('')}]*$`, 'u')
})

/**
 * Whether a label mixes scripts that are not written together, or has one that is in no everyday use (UTS #39
 * section 5.2).
 */
export function mixesScripts(label: string): boolean {
  return !SINGLE_SCRIPT.some((single) => single.test(label))
}
