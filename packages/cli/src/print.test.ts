import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { complain, formatCount, formatSeconds, printable, say, sayFacts, sayJson, sayTable } from './print.ts'

const HOSTILE = 'a\u001b[2Jb\u202ec\u0007\u009bd\u2028e\nf'

describe('what a stranger chose', () => {
  it.each([
    ['an escape sequence', '\u001b[31m', '\\u{1b}[31m'],
    ['a C1 control', '\u009b', '\\u{9b}'],
    ['a right-to-left override', '\u202e', '\\u{202e}'],
    ['a zero-width joiner', 'a\u200db', 'a\\u{200d}b'],
    ['a line break', 'a\r\nb', 'a\\u{d}\\u{a}b'],
    ['a line separator', '\u2028', '\\u{2028}'],
    ['a lone surrogate', '\ud800', '\\u{d800}'],
    ['a tag beyond the first plane', '\u{e0041}', '\\u{e0041}'],
  ])('is spelt out: %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  it('keeps letters of any script, and symbols', () => {
    expect(printable('Größe 客户端 🎉')).toBe('Größe 客户端 🎉')
  })

  it.each([false, true])('never reaches the terminal (one: %s)', (isTerminal) => {
    const { output, stdout, stderr } = captureOutput({ isTerminal })
    say(output, HOSTILE, ['red', HOSTILE])
    sayFacts(output, [[HOSTILE, HOSTILE]])
    sayTable(output, [HOSTILE], [[HOSTILE]])
    complain(output, HOSTILE)
    const shown = stripVTControlCharacters(stdout()) + stderr()
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    expect(stdout()).not.toContain('\u001b[2J')
  })

  it('is the same value in JSON, with nothing invisible in the text', () => {
    const { output, stdout } = captureOutput()
    sayJson(output, { name: HOSTILE, tag: '\u{e0041}' })
    expect(stdout().replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    expect(JSON.parse(stdout())).toEqual({ name: HOSTILE, tag: '\u{e0041}' })
  })
})

describe('lines', () => {
  it('are coloured on a terminal only', () => {
    const [plain, coloured] = [captureOutput(), captureOutput({ isTerminal: true })]
    for (const { output } of [plain, coloured]) say(output, ['green', 'accepted'])
    expect(plain.stdout()).toBe('accepted\n')
    expect(coloured.stdout()).toBe('\u001b[32maccepted\u001b[39m\n')
  })

  it('of a table are aligned', () => {
    const { output, stdout } = captureOutput()
    sayTable(
      output,
      ['NAME', 'KEYS'],
      [
        ['a long name', '1'],
        ['b', '20'],
      ],
    )
    expect(stdout()).toBe('NAME         KEYS\na long name  1\nb            20\n')
  })

  it('of facts are aligned', () => {
    const { output, stdout } = captureOutput()
    sayFacts(output, [
      ['a', '1'],
      ['long', '2'],
    ])
    expect(stdout()).toBe('  a     1\n  long  2\n')
  })

  it('of an error go to standard error, all of them', () => {
    const { output, stdout, stderr } = captureOutput()
    complain(output, 'two problems:\n  one\n  two')
    expect([stdout(), stderr()]).toEqual(['', 'cimd: two problems:\n  one\n  two\n'])
  })
})

describe('numbers', () => {
  it.each([
    [0, '0 s'],
    [119.9, '119 s'],
    [120, '2 min'],
    [7199, '119 min'],
    [7200, '2 h'],
    [86_400 * 3, '3 d'],
  ])('%d seconds are %s', (seconds, expected) => {
    expect(formatSeconds(seconds)).toBe(expected)
  })

  it('count one thing and many', () => {
    expect([formatCount(0, 'event'), formatCount(1, 'event'), formatCount(2, 'event')]).toEqual([
      '0 events',
      '1 event',
      '2 events',
    ])
  })
})
