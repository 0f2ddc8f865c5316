import { ConfigError, commonEnvironment, parseEnvironment } from '@cimd/runtime'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bridgeEnvironment, bridgesFrom, checkBridges } from './bridge-config.ts'

const schema = z.object({ CIMD_DATABASE_URL: commonEnvironment.CIMD_DATABASE_URL, ...bridgeEnvironment })
const STORE = { CIMD_DATABASE_URL: 'postgres://127.0.0.1/cimd' }
const REDIS = 'redis://user:secret@127.0.0.1:6379/1'

function load(given: Record<string, string>) {
  return bridgesFrom(parseEnvironment(checkBridges(schema), given))
}

function problemsOf(given: Record<string, string>): readonly string[] {
  try {
    load(given)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('the configuration of bridges', () => {
  it('is of none unless it names a Redis', () => {
    expect(load(STORE)).toEqual({ from: 'now', queue: undefined, stream: undefined })
  })

  it('needs nothing but the Redis', () => {
    const given = { ...STORE, CIMD_BRIDGE_QUEUE_URL: REDIS, CIMD_BRIDGE_STREAM_URL: REDIS }
    expect(load(given)).toEqual({
      from: 'now',
      queue: { url: REDIS, queue: 'cimd-events', prefix: 'bull' },
      stream: { url: REDIS, prefix: 'cimd:events', maxLength: 100_000 },
    })
  })

  it('tells all problems at once, also what has no effect, and no secrets', () => {
    const problems = problemsOf({
      CIMD_BRIDGE_QUEUE_URL: 'postgres://user:secret@127.0.0.1/queue',
      CIMD_BRIDGE_QUEUE_NAME: 'a:b',
      CIMD_BRIDGE_QUEUE_PREFIX: 'cimd_queue',
      CIMD_BRIDGE_STREAM_PREFIX: 'events',
      CIMD_BRIDGE_STREAM_MAXLEN: '0',
      CIMD_BRIDGE_FROM: 'yesterday',
    })
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining([
        'CIMD_DATABASE_URL',
        'CIMD_BRIDGE_QUEUE_URL',
        'CIMD_BRIDGE_QUEUE_NAME',
        'CIMD_BRIDGE_QUEUE_PREFIX',
        'CIMD_BRIDGE_STREAM_PREFIX',
        'CIMD_BRIDGE_STREAM_MAXLEN',
        'CIMD_BRIDGE_FROM',
      ]),
    )
    expect(problems.join('\n')).not.toContain('secret')
    expect(problems).toContain(
      'CIMD_BRIDGE_STREAM_PREFIX: has no effect without CIMD_BRIDGE_STREAM_URL (found "events")',
    )
  })

  it.each([
    ['CIMD_BRIDGE_QUEUE_NAME', 'other', 'CIMD_BRIDGE_QUEUE_URL'],
    ['CIMD_BRIDGE_QUEUE_PREFIX', 'other', 'CIMD_BRIDGE_QUEUE_URL'],
    ['CIMD_BRIDGE_STREAM_PREFIX', 'other', 'CIMD_BRIDGE_STREAM_URL'],
    ['CIMD_BRIDGE_STREAM_MAXLEN', '7', 'CIMD_BRIDGE_STREAM_URL'],
    ['CIMD_BRIDGE_FROM', 'beginning', 'CIMD_BRIDGE_STREAM_URL'],
  ])('refuses %s without its Redis', (name, value, url) => {
    expect(problemsOf({ ...STORE, [name]: value })).toEqual([
      expect.stringMatching(`^${name}: has no effect without CIMD_BRIDGE_`),
    ])
    expect(problemsOf({ ...STORE, [name]: value, [url]: REDIS })).toEqual([])
  })
})
