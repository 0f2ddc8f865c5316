import { parseArgs } from 'node:util'
import { BROKEN, type Broken } from './edits/broken.ts'

export const USAGE = `npm run test:faults -- [options]
  --minutes <n>      how long it may take in all, 12 by default and 3 at least
  --clients <n>      how many are asked for, 25 for each minute by default
  --queue <backend>  redis by default, or postgres
  --seed <n>         which run, another one each time by default
  --fault <name>     only this one; may be given several times
  --broken <name>    what must be found: ${BROKEN.map(({ name }) => name).join(', ')}, or all`

/** What a run is made of. */
export type Settings = {
  readonly minutes: number
  readonly clients: number
  readonly queue: 'redis' | 'postgres'
  readonly seed: number
  readonly faults: readonly string[]
  readonly broken: readonly Broken[]
}

const CLIENTS_PER_MINUTE = 25

const text = { type: 'string' } as const

/** What the command line asks for; undefined when it asks for help. Throws when it makes no sense. */
export function settingsFrom(args: readonly string[]): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ minutes: text, clients: text, queue: text, seed: text, broken: text },
      fault: { type: 'string', multiple: true },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return undefined
  const { minutes: given = '12', clients, queue = 'redis', seed, broken, fault: faults = [] } = values
  if (queue !== 'redis' && queue !== 'postgres')
    throw new RangeError(`--queue ${queue} is neither redis nor postgres`)
  const minutes = atLeast('minutes', given, 3)
  return {
    minutes,
    clients: atLeast('clients', clients ?? String(Math.round(CLIENTS_PER_MINUTE * minutes)), 50),
    queue,
    seed: seed === undefined ? Math.floor(Math.random() * 2 ** 31) : atLeast('seed', seed, 0),
    faults,
    broken: broken === undefined ? [] : brokenOf(broken),
  }
}

function brokenOf(name: string): readonly Broken[] {
  const found = BROKEN.filter((broken) => name === 'all' || broken.name === name)
  if (found.length === 0)
    throw new RangeError(`--broken ${name} is none of ${BROKEN.map((one) => one.name).join(', ')}`)
  return found
}

function atLeast(name: string, given: string, min: number): number {
  const value = Number(given)
  if (Number.isFinite(value) && value >= min) return value
  throw new RangeError(`--${name} ${given} is not a number of at least ${min}`)
}
