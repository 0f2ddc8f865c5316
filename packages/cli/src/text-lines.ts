/**
 * The lines of a text in UTF-8 as it comes, each without its end, which is `\n` alone. Of a line that is longer than
 * `lengthMax` characters no more is kept than shows that it is.
 */
export async function* textLines(
  chunks: AsyncIterable<Uint8Array>,
  lengthMax: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  for await (const chunk of chunks) {
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n')
    rest = (rest + first).slice(0, lengthMax + 1)
    for (const begun of others) {
      yield rest
      rest = begun.slice(0, lengthMax + 1)
    }
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
