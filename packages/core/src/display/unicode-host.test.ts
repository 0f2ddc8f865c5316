import { describe, expect, it } from 'vitest'
import { decodedHost, hasMixedScripts, safeUnicodeHost } from './unicode-host.ts'

const ascii = (host: string): string => new URL(`https://${host}/`).hostname

describe('safeUnicodeHost', () => {
  it.each([
    ['müller.example', 'müller.example'],
    ['日本語.jp', '日本語.jp'],
    ['пример.com', 'пример.com'],
    ['smørrebrød.dk', 'smørrebrød.dk'],
    ['łódź.pl', 'łódź.pl'],
    ['example.com', undefined],
    // Cyrillic that reads as Latin, as a whole.
    ['аррӏе.com', undefined],
    ['аррӏё.com', undefined],
    // Latin, and another letter than it looks like.
    ['ɡoogle.com', undefined],
    // Two scripts in one label, or one of which nobody writes today.
    ['pаypal.com', undefined],
    ['ᚠᚢᚦ.com', undefined],
    ['i❤.ws', undefined],
    ['ノ.jp', undefined],
  ])('%s is shown as %s', (host, shown) => {
    expect(safeUnicodeHost(ascii(host))).toBe(shown)
  })

  it('gives nothing for an A-label that is none, or not in its normal form', () => {
    expect(safeUnicodeHost('xn--0.com')).toBeUndefined()
    expect(safeUnicodeHost('xn--\u200d.com')).toBeUndefined()
  })
})

describe('hasMixedScripts', () => {
  it.each([
    ['example.com', false],
    ['xn--0.com', true],
    ['127.0.0.1', false],
    [ascii('pаypal.com'), true],
    [ascii('пример.com'), false],
    [ascii('日本語tokyo.jp'), false],
  ])('%s: %s', (host, mixed) => {
    expect(hasMixedScripts(host)).toBe(mixed)
  })
})

describe('decodedHost', () => {
  it('leaves what cannot be decoded as it is', () => {
    expect(decodedHost('xn--0.com')).toBe('xn--0.com')
    expect(decodedHost(ascii('müller.example'))).toBe('müller.example')
  })
})
