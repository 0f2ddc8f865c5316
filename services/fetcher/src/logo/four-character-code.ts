/** The four characters that name a chunk of a PNG or of a RIFF. */
export function fourCharacterCode(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)))
}
