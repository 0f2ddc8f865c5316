import { type BudgetAnswer, type FetchResult, keySetOf, sha256Hex } from '@cimd/core'
import type { ResourceClaim, ResourceRecord } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { answerWith, unfetchedKeys } from './claims.fixture.ts'
import {
  type FetchResourceDeps,
  fetchResources,
  type ResourceEnd,
  type ResourceFault,
} from './fetch-resource.ts'
import type { Isolation } from './isolation/isolate.ts'

const keys: ResourceClaim = { ...unfetchedKeys, urgent: true }
const logo: ResourceClaim = { ...keys, resource: '4', kind: 'logo', url: 'https://app.example.com/l.png' }
const answer = (body: string): FetchResult => answerWith(new TextEncoder().encode(body))
const KEY_SET = JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }] })
const PICTURE = new TextEncoder().encode('a picture')

/** A world in which everything succeeds, and the order in which it was called. */
function setup(claims: readonly ResourceClaim[], given: Partial<FetchResourceDeps> = {}) {
  const calls: string[] = []
  const records: ResourceRecord[] = []
  const ends: string[] = []
  const budget: BudgetAnswer = {
    kind: 'granted',
    release: async () => {
      calls.push('give back')
    },
  }
  const deps: FetchResourceDeps = {
    claim: async () => claims,
    takeBudget: async ({ host }) => {
      calls.push(`take budget of ${host}`)
      return budget
    },
    fetchResource: async ({ resource }) => {
      calls.push(`fetch ${resource}`)
      return answer(resource === 'jwks' ? KEY_SET : 'an image')
    },
    importableKeys: async (keySet) => keySet,
    encodeLogo: async () => ({
      ...{ kind: 'encoded', body: PICTURE, contentType: 'image/webp', width: 2, height: 1 },
    }),
    takeDecoder: () => ({ [Symbol.dispose]: () => calls.push('free decoder') }),
    saveLogo: async ({ body }) => {
      calls.push('save')
      return sha256Hex(body)
    },
    record: async (record) => {
      calls.push('record')
      records.push(record)
      return { applied: true }
    },
    announce: async (_, events) => {
      calls.push(`announce ${events}`)
    },
    defer: async (_, code, seconds) => {
      calls.push(`defer ${code} ${seconds}`)
    },
    release: async () => {
      calls.push('release claim')
    },
    postpone: async (_, seconds) => {
      calls.push(`postpone ${seconds}`)
    },
    pause: async ({ kind }, seconds) => {
      calls.push(`pause ${kind} ${seconds}`)
    },
    faultPauses: { secondsAfter: () => 40 },
    onEnd: ({ kind }) => {
      ends.push(kind)
    },
    monotonicMs: () => 0,
    random: () => 0,
    ...given,
  }
  const run = (signal = new AbortController().signal) => fetchResources(deps, '7', ['jwks', 'logo'], signal)
  return { run, calls, records, ends }
}

describe('fetchResources', () => {
  it('does nothing where nothing is wanted', async () => {
    const { run, calls } = setup([])
    expect(await run()).toEqual([])
    expect(calls).toEqual([])
  })

  it('budgets, fetches, records and announces a key set, in this order', async () => {
    const { run, calls, records } = setup([keys])
    expect(await run()).toMatchObject([{ kind: 'recorded', applied: true }])
    expect(calls).toEqual([
      ...['take budget of keys.example.com', 'fetch jwks', 'give back', 'record', 'announce 1'],
    ])
    expect(records[0]).toMatchObject({ claim: keys, standing: { state: 'valid' } })
  })

  it('saves the image of our own encoding before it is referred to', async () => {
    const { run, calls, records } = setup([logo])
    await run()
    expect(calls.slice(-4)).toEqual(['save', 'record', 'announce 1', 'free decoder'])
    expect(records[0]?.standing.digest).toBe(sha256Hex(PICTURE))
  })

  it('records keys and logo although one of them fails', async () => {
    const { run, records } = setup([keys, logo], {
      encodeLogo: async () => ({ kind: 'refused', code: 'too_large', detail: 'told' }),
    })
    await run()
    const found = Object.fromEntries(records.map(({ claim, failure }) => [claim.kind, failure]))
    expect(found).toEqual({ jwks: undefined, logo: { code: 'too_large', detail: 'told' } })
  })

  it('KEY-08: records a set with a private key as refused, and hands nothing of it on', async () => {
    const fetchResource = async () => answer('{"keys":[{"kty":"oct","k":"eA"}]}')
    const { run, records } = setup([keys], { fetchResource })
    await run()
    expect(records[0]?.failure?.code).toBe('key_set_secret')
    expect(records[0]).not.toHaveProperty('body')
  })

  it('hands on no key that cannot be imported', async () => {
    const { run, records } = setup([keys], { importableKeys: async () => keySetOf([]) })
    await run()
    expect(records[0]?.standing.digest).toBe(keySetOf([]).digest)
  })

  it('CAC-06: puts off what its budget has no room for, and fetches nothing', async () => {
    const { run, calls } = setup([keys], {
      takeBudget: async () => ({ kind: 'deferred', code: 'host_budget', retryAfterSeconds: 7 }),
    })
    expect(await run()).toEqual([{ kind: 'deferred', claim: keys, code: 'host_budget' }])
    expect(calls).toEqual(['defer host_budget 7', 'announce 0'])
  })

  it('CAC-06: takes up a logo later while no decoder is free, and the keys at once', async () => {
    const { run, calls } = setup([keys, logo], { takeDecoder: () => undefined })
    expect(await run()).toMatchObject([{ kind: 'recorded' }, { kind: 'postponed', claim: logo }])
    expect(calls).toContain('postpone 1')
    expect(calls).not.toContain('fetch logo')
  })

  it('announces no event of a result that came too late', async () => {
    const { run, calls } = setup([keys], { record: async () => ({ applied: false }) })
    await run()
    expect(calls.at(-1)).toBe('announce 0')
  })

  it.each(['fetchResource', 'encodeLogo'] as const)(
    'hands the claim back when it is aborted within %s',
    async (step) => {
      const abort = new AbortController()
      const { run, calls } = setup([logo], {
        [step]: async () => {
          abort.abort(new Error('stopping'))
          throw abort.signal.reason
        },
      })
      await expect(run(abort.signal)).rejects.toThrow('stopping')
      expect(calls).toContain('release claim')
      expect(calls).toContain('give back')
      expect(calls).toContain('free decoder')
      expect(calls).not.toContain('record')
    },
  )

  it.each(['takeBudget', 'fetchResource', 'encodeLogo', 'saveLogo', 'record'] as const)(
    'leaves alone for a while what a fault of ours within %s kept from being fetched',
    async (step) => {
      const fault = { [step]: () => Promise.reject(new Error('a bug')) }
      const { run, calls, ends } = setup([logo], fault)
      await expect(run()).rejects.toThrow('a bug')
      expect(calls).toContain('pause logo 40')
      expect(calls).not.toContain('release claim')
      expect(calls).toContain('free decoder')
      expect(ends).toEqual(['faulted'])
    },
  )

  it('tells of every claim both what was wrong and that it could not be handed back', async () => {
    const told: (ResourceEnd | ResourceFault)[] = []
    const { run } = setup([keys, logo], {
      fetchResource: ({ resource }) => Promise.reject(new Error(`a bug of ${resource}`)),
      pause: () => Promise.reject(new Error('the store is down')),
      onEnd: (end) => told.push(end),
    })
    const errorsOf = (kind: string) => ({
      errors: [new Error(`a bug of ${kind}`), new Error('the store is down')],
    })
    await expect(run()).rejects.toMatchObject(errorsOf('jwks'))
    expect(told).toMatchObject([
      { kind: 'faulted', claim: keys, error: errorsOf('jwks') },
      { kind: 'faulted', claim: logo, error: errorsOf('logo') },
    ])
    // Nothing is left alone that was not handed back.
    for (const end of told) expect(end).not.toHaveProperty('pauseSeconds')
  })

  it('tells of every claim that an end of this process could not hand back', async () => {
    const abort = new AbortController()
    const { run, ends } = setup([keys, logo], {
      fetchResource: async () => {
        abort.abort(new Error('stopping'))
        throw abort.signal.reason
      },
      release: () => Promise.reject(new Error('the store is down')),
    })
    await expect(run(abort.signal)).rejects.toMatchObject({
      errors: [new Error('stopping'), new Error('the store is down')],
    })
    expect(ends).toEqual(['faulted', 'faulted'])
  })

  it('ends when all have ended, and tells of each, though one of them struck a fault', async () => {
    const fetching = Promise.withResolvers<void>()
    const ends: string[] = []
    const { run, records } = setup([keys, logo], {
      fetchResource: async ({ resource }) => {
        if (resource === 'jwks') throw new Error('a bug')
        await fetching.promise
        return answer('an image')
      },
      onEnd: ({ kind }) => {
        ends.push(kind)
        // The logo is fetched only once all that could end the job before it has happened.
        if (kind === 'faulted') setImmediate(fetching.resolve)
      },
    })
    await expect(run()).rejects.toThrow('a bug')
    expect(ends).toEqual(['faulted', 'recorded'])
    expect(records).toMatchObject([{ claim: logo }])
  })
})

describe('fetchResources of what several claims were lost of', () => {
  const isolationOf = (done: string[]): Isolation => ({
    fetch: async ({ resource }) => {
      done.push(`fetch ${resource}`)
      return answer('an image')
    },
    evaluateDocument: () => Promise.reject(new Error('this is no document')),
    evaluateKeys: async (claim) => {
      done.push('evaluate keys')
      return { claim, events: [] } as unknown as ResourceRecord
    },
    [Symbol.dispose]: () => done.push('end'),
  })

  it('has a key set fetched and judged in a process of its own, and a logo fetched', async () => {
    const done: string[] = []
    const suspects = [keys, logo].map((claim) => ({ ...claim, lostClaims: 2 }))
    for (const suspect of suspects) {
      const { run, records } = setup([suspect], { takeIsolation: () => isolationOf(done) })
      await run()
      expect(records).toMatchObject([{ claim: suspect }])
    }
    expect(done).toEqual(['fetch jwks', 'evaluate keys', 'end', 'fetch logo', 'end'])
  })

  it('lets it wait its turn while another is worked like that', async () => {
    const { run, calls } = setup([{ ...keys, lostClaims: 2 }], { takeIsolation: () => undefined })
    expect(await run()).toMatchObject([{ kind: 'postponed' }])
    expect(calls).toEqual(['postpone 1'])
  })
})
