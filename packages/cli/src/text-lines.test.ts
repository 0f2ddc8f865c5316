import { describe, expect, it } from 'vitest'
import { textLines } from './text-lines.ts'

async function linesOf(chunks: readonly Uint8Array[], lengthMax = 100): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of textLines(streamOf(chunks), lengthMax)) lines.push(line)
  return lines
}

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const bytes = (text: string) => new TextEncoder().encode(text)

describe('textLines', () => {
  it('ends lines at \\n alone, however the bytes come', async () => {
    const text = bytes('caf\u00e9\u2028 \r\nsecond\n\nlast')
    const whole = ['caf\u00e9\u2028 \r', 'second', '', 'last']
    expect(await linesOf([text])).toEqual(whole)
    expect(await linesOf([...text].map((byte) => Uint8Array.of(byte)))).toEqual(whole)
  })

  it('has no empty line at the end', async () => {
    expect(await linesOf([bytes('one\n')])).toEqual(['one'])
    expect(await linesOf([])).toEqual([])
  })

  it('keeps no more of a line than shows that it is too long', async () => {
    expect(await linesOf([bytes('x'.repeat(50)), bytes(`${'x'.repeat(50)}\nnext`)], 10)).toEqual([
      'x'.repeat(11),
      'next',
    ])
  })
})
