/** A stretch of text in one style, as a terminal shows it. */
type Span = { readonly text: string; readonly style: string }

const LINE_HEIGHT = 18
const CHARACTER_WIDTH = 8.1
const PADDING = 16

const ESCAPE = String.fromCodePoint(0x1b)
const SEQUENCE = new RegExp(`(${ESCAPE}\\[[\\d;]*m)`)

/** Classes by SGR code; the codes that end a style take it away again. */
const STYLES: Readonly<Record<string, string>> = { 1: 'b', 2: 'd', 31: 'r', 32: 'g' }
const ENDS: Readonly<Record<string, readonly string[]>> = {
  0: ['b', 'd', 'r', 'g'],
  22: ['b', 'd'],
  39: ['r', 'g'],
}

/** Draws the coloured output of a command as an SVG of a terminal, under the command that was typed. */
export function renderTerminal(command: string, output: string): string {
  const lines = [[{ text: `$ ${command}`, style: 'b' }], ...output.trimEnd().split('\n').map(parseLine)]
  const columns = Math.max(...lines.map((spans) => spans.reduce((sum, { text }) => sum + text.length, 0)))
  const width = Math.ceil(columns * CHARACTER_WIDTH + 2 * PADDING)
  const height = lines.length * LINE_HEIGHT + 2 * PADDING
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>What ${escapeXml(command)} prints</title>`,
    '<style>text{font:13.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d8dee9;white-space:pre}',
    '.b{font-weight:bold;fill:#fff}.d{fill:#8b95a7}.g{fill:#8fd18a}.r{fill:#ef8080}</style>',
    `<rect width="100%" height="100%" rx="8" fill="#1c2029"/>`,
    ...lines.map(renderLine),
    '</svg>',
    '',
  ].join('\n')
}

function parseLine(line: string): Span[] {
  const active = new Set<string>()
  return line.split(SEQUENCE).flatMap((part) => {
    const codes = part.startsWith(ESCAPE) ? part.slice(2, -1) : undefined
    if (codes === undefined) return part === '' ? [] : [{ text: part, style: [...active].join(' ') }]
    for (const code of codes.split(';')) {
      for (const ended of ENDS[code || '0'] ?? []) active.delete(ended)
      if (STYLES[code] !== undefined) active.add(STYLES[code])
    }
    return []
  })
}

function renderLine(spans: readonly Span[], index: number): string {
  const y = PADDING + (index + 0.75) * LINE_HEIGHT
  const text = spans.map(({ text, style }) => `<tspan class="${style}">${escapeXml(text)}</tspan>`).join('')
  return `<text x="${PADDING}" y="${y}" xml:space="preserve">${text}</text>`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
