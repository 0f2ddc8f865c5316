import { parseArgs } from 'node:util'
import type { Settings } from './population.ts'

export const USAGE = `npm run simulate:month -- [options]
  --days <n>      how many, 30 by default
  --clients <n>   how many, 5000 by default; a tenth of them hot
  --seed <n>      which month, 1 by default
  --canaries <n>  how many the operator has, 4 by default`

const text = { type: 'string' } as const

/** What the command line asks for; undefined when it asks for help. Throws when it makes no sense. */
export function settingsFrom(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: { days: text, clients: text, seed: text, canaries: text, help: { type: 'boolean' } },
  })
  if (values.help) return undefined
  return {
    days: whole('days', values.days ?? '30', 2),
    clients: whole('clients', values.clients ?? '5000', 100),
    seed: whole('seed', values.seed ?? '1', 1),
    canaries: whole('canaries', values.canaries ?? '4', 0),
  }
}

function whole(name: string, given: string, min: number): number {
  const value = Number(given)
  if (Number.isSafeInteger(value) && value >= min) return value
  throw new RangeError(`--${name} ${given} is not a whole number of at least ${min}`)
}
