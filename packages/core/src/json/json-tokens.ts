import type { Span } from '../failure/finding.ts'

/** A string, a number or a character of structure; literals and white space mean nothing to whoever walks a text. */
export type JsonToken = { readonly text: string; readonly span: Span }

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g

/** The tokens of a text that is valid JSON, in order, in one pass (RFC 8259 section 2). */
export function* jsonTokens(text: string): Generator<JsonToken, void> {
  for (const match of text.matchAll(TOKEN)) {
    yield { text: match[0], span: { start: match.index, end: match.index + match[0].length } }
  }
}

/** The string that a string token stands for. */
export function stringOfToken(token: string): string {
  return token.includes('\\') ? JSON.parse(token) : token.slice(1, -1)
}
