import { parseArgs } from 'node:util'
import type { SoakSettings } from './fetcher.ts'
import type { Leak } from './leak.ts'

export const USAGE = `npm run soak -- [options]
  --fetches <n>      how many, 50000 by default
  --minutes <n>      how long instead of how many
  --concurrency <n>  how many at once, 32 by default
  --seed <n>         which mix, another one each time by default
  --deadline-ms <n>  of each fetch, 500 by default: short, since some are ended by nothing else
  --leak <what>      plants a fault that must be found: socket, timer, listener, or how many bytes to keep of each
                     fetch; may be given several times`

/** Samples of a soak of so many fetches, unless that makes rounds too long. */
const ROUNDS = 20
const ROUND_FETCHES_MAX = 500
const text = { type: 'string' } as const

/** What the command line asks for; undefined when it asks for help. Throws when it makes no sense. */
export function settingsFrom(args: readonly string[]): SoakSettings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ fetches: text, minutes: text, concurrency: text, seed: text, 'deadline-ms': text },
      leak: { type: 'string', multiple: true },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return undefined
  const { fetches, minutes, concurrency = '32', seed, leak = [] } = values
  if (fetches !== undefined && minutes !== undefined) throw new RangeError('--fetches or --minutes, not both')
  return {
    ...sizeOf(fetches, minutes),
    concurrency: positive('concurrency', concurrency),
    seed: seed === undefined ? Math.floor(Math.random() * 2 ** 31) : positive('seed', seed),
    deadlineMs: positive('deadline-ms', values['deadline-ms'] ?? '500'),
    leaks: leak.map(leakOf),
  }
}

function sizeOf(
  fetches = '50000',
  minutes: string | undefined,
): Pick<SoakSettings, 'limit' | 'roundFetches'> {
  if (minutes !== undefined) {
    return { limit: { minutes: positive('minutes', minutes) }, roundFetches: ROUND_FETCHES_MAX }
  }
  const all = positive('fetches', fetches)
  return { limit: { fetches: all }, roundFetches: Math.min(Math.ceil(all / ROUNDS), ROUND_FETCHES_MAX) }
}

function leakOf(text: string): Leak {
  if (text === 'socket' || text === 'timer' || text === 'listener') return { kind: text }
  return { kind: 'bytes', bytesPerFetch: positive('leak', text) }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`--${name} ${text} is not a positive number`)
}
