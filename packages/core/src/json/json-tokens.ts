const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Calls `visit` for each token of a text that is valid JSON, in order, until it says no: a string, a number, a literal
 * or a character of structure, from `start` to `end` (RFC 8259 section 2). One pass; of another text it makes what it can.
 */
export function eachJsonToken(text: string, visit: (start: number, end: number) => boolean): void {
  let at = 0
  while (at < text.length) {
    const end = endOfToken(text, at)
    if (!isBlank(text.charCodeAt(at)) && !visit(at, end)) return
    at = end
  }
}

function endOfToken(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return endOfString(text, start)
  if (isStructure(first) || isBlank(first)) return start + 1
  let at = start + 1
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at++
  return at
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    at += code === BACKSLASH ? 2 : 1
  }
  return text.length
}

function endsScalar(code: number): boolean {
  return isStructure(code) || isBlank(code) || code === QUOTE
}

// The characters { } [ ] , and the colon.
function isStructure(code: number): boolean {
  return code === 0x7b || code === 0x7d || code === 0x5b || code === 0x5d || code === 0x2c || code === 0x3a
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/** The string that a string token stands for. */
export function stringOfToken(token: string): string {
  return token.includes('\\') ? JSON.parse(token) : token.slice(1, -1)
}
