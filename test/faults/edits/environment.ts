import type { EditsName } from './table.ts'

const PRELOAD = new URL('preload.ts', import.meta.url).href

/** The environment of a process whose sources are changed as it loads them, as are those of processes it starts with it. */
export function withEdits(name: EditsName): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import ${PRELOAD}?${name}` }
}
