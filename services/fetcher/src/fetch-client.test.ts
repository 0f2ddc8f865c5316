import {
  type BudgetAnswer,
  type FetchResult,
  parseClientIdUrl,
  RULES_VERSION,
  sha256Hex,
  UNKNOWN_STANDING,
} from '@cimd/core'
import type { AttemptRecord, Claim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { type FetchClientDeps, fetchClient } from './fetch-client.ts'

const parsedId = parseClientIdUrl('https://app.example.com/client.json')
if (!parsedId.ok) throw new Error('the client_id of these tests is wrong')
const clientId = parsedId.value
const body = new TextEncoder().encode(
  JSON.stringify({ client_id: clientId, redirect_uris: ['https://app.example.com/cb'] }),
)

const claim: Claim = {
  client: '7',
  clientId,
  host: 'app.example.com',
  token: 'b3b0',
  generation: 4,
  urgent: true,
  forced: false,
  claimedAt: new Date('2026-11-20T12:00:00Z'),
  standing: UNKNOWN_STANDING,
  version: undefined,
  validators: {},
}
const fetched: FetchResult = {
  kind: 'fetched',
  body,
  contentType: 'application/json',
  headers: {},
  evidence: { addresses: ['192.0.2.1'], status: 200, bodyBytes: body.byteLength, times: { totalMs: 80 } },
}

/** A world in which everything succeeds, and the order in which it was called. */
function setup(given: Partial<FetchClientDeps> = {}) {
  const calls: string[] = []
  const records: AttemptRecord[] = []
  const clockMs = [5000, 5250]
  const noted =
    <Arguments extends unknown[], Result>(name: string, work: (...given: Arguments) => Promise<Result>) =>
    (...args: Arguments) => {
      calls.push(name)
      return work(...args)
    }
  const budget: BudgetAnswer = { kind: 'granted', release: noted('give back', async () => {}) }
  const deps: FetchClientDeps = {
    claim: async () => claim,
    takeBudget: async () => budget,
    fetchDocument: async () => fetched,
    record: async (record) => {
      records.push(record)
      return { applied: true, next: undefined }
    },
    announce: async () => {},
    enqueue: async () => {},
    defer: async () => {},
    release: async () => {},
    monotonicMs: () => clockMs.shift() ?? Number.NaN,
    random: () => 0,
    ...given,
  }
  const run = (signal = new AbortController().signal) =>
    fetchClient(
      {
        ...deps,
        claim: noted('claim', deps.claim),
        takeBudget: noted('take budget', deps.takeBudget),
        fetchDocument: noted('fetch', deps.fetchDocument),
        record: noted('record', deps.record),
        announce: noted('announce', deps.announce),
        enqueue: noted('enqueue', deps.enqueue),
        defer: noted('defer', deps.defer),
        release: noted('release claim', deps.release),
      },
      '7',
      signal,
    )
  return { run, calls, records }
}

describe('fetchClient', () => {
  it('claims, takes the budget, fetches, records, announces, and gives the budget back', async () => {
    const { run, calls, records } = setup()
    const end = await run()
    expect(calls).toEqual(['claim', 'take budget', 'fetch', 'record', 'announce', 'give back'])
    expect(records).toEqual([
      expect.objectContaining({ claim, outcome: 'fetched', evidence: fetched.evidence }),
    ])
    expect(end).toEqual({
      kind: 'recorded',
      claim,
      record: records[0],
      recorded: { applied: true, next: undefined },
    })
  })

  it('asks for the client of the job, the budget of its host, and the document of its client_id', async () => {
    const asked: unknown[] = []
    const { run } = setup({
      claim: async (client) => {
        asked.push(client)
        return claim
      },
      takeBudget: async (target) => {
        asked.push(target)
        return { kind: 'granted', release: async () => {} }
      },
      fetchDocument: async (request) => {
        asked.push(request)
        return fetched
      },
    })
    await run()
    expect(asked).toEqual(['7', { host: 'app.example.com', urgent: true }, { url: clientId, validators: {} }])
  })

  it('sends the validators of the version it has (CAC-12)', async () => {
    const version = {
      ...{ digest: sha256Hex(body), body, contentType: 'application/json' },
      ...{ fetchedAt: claim.claimedAt, rulesVersion: RULES_VERSION },
    }
    let sent: unknown
    const { run } = setup({
      claim: async () => ({ ...claim, version, validators: { etag: '"1"' } }),
      fetchDocument: async ({ validators }) => {
        sent = validators
        return fetched
      },
    })
    await run()
    expect(sent).toEqual({ etag: '"1"' })
  })

  it('fetches nothing when there is nothing to claim', async () => {
    const { run, calls } = setup({ claim: async () => undefined })
    expect(await run()).toEqual({ kind: 'nothing_to_do' })
    expect(calls).toEqual(['claim'])
  })

  it('keeps the demand and tells those who wait when the budget asks to wait (CAC-06)', async () => {
    const told: unknown[] = []
    const { run, calls } = setup({
      takeBudget: async () => ({ kind: 'deferred', code: 'host_budget', retryAfterSeconds: 9 }),
      defer: async (...given) => {
        told.push(given)
      },
      announce: async (...given) => {
        told.push(given)
      },
    })
    expect(await run()).toEqual({ kind: 'deferred', claim, code: 'host_budget' })
    expect(calls).toEqual(['claim', 'take budget', 'defer', 'announce'])
    expect(told).toEqual([
      [claim, 'host_budget', 9],
      [claim, 0],
    ])
  })

  it('dates the end by the clock of the database at the claim and what has passed since', async () => {
    const { run, records } = setup()
    await run()
    expect(records[0]?.finishedAt).toEqual(new Date('2026-11-20T12:00:00.250Z'))
    expect(records[0]?.standing.validatedAt).toEqual(new Date('2026-11-20T12:00:00.250Z'))
  })

  it('records the failure of an origin as an attempt, and the job succeeds', async () => {
    const failed: FetchResult = {
      ...{ kind: 'failed', code: 'timeout_connect', detail: 'after 3000 ms' },
      evidence: { addresses: [], bodyBytes: 0, times: { totalMs: 3000 } },
    }
    const { run, calls, records } = setup({ fetchDocument: async () => failed })
    await run()
    expect(records[0]).toMatchObject({ outcome: 'failed', failure: { code: 'timeout_connect' } })
    expect(calls).toEqual(['claim', 'take budget', 'fetch', 'record', 'announce', 'give back'])
  })

  it.each(['fetch', 'refresh'] as const)(
    'enqueues on the %s queue when that is where demands arrived meanwhile (ARC-02)',
    async (next) => {
      const enqueued: unknown[] = []
      const { run, calls } = setup({
        record: async () => ({ applied: true, next }),
        enqueue: async (...given) => {
          enqueued.push(given)
        },
      })
      await run()
      expect(enqueued).toEqual([[next, '7']])
      expect(calls.slice(-3)).toEqual(['announce', 'enqueue', 'give back'])
    },
  )

  it('says how many events there are to announce', async () => {
    const announced: unknown[] = []
    const { run } = setup({
      announce: async (...given) => {
        announced.push(given)
      },
    })
    await run()
    expect(announced).toEqual([[claim, 1]])
  })

  it('hands the claim back and rejects when it is aborted during the fetch', async () => {
    const stopping = new AbortController()
    const begun = Promise.withResolvers<void>()
    const { run, calls } = setup({
      fetchDocument: (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          begun.resolve()
        }),
    })
    const ended = run(stopping.signal)
    await begun.promise
    stopping.abort(new Error('stopping'))
    await expect(ended).rejects.toThrow('stopping')
    expect(calls).toEqual(['claim', 'take budget', 'fetch', 'release claim', 'give back'])
  })

  it('records a fetch that ended although it was aborted meanwhile', async () => {
    const { run, calls } = setup()
    await run(AbortSignal.abort())
    expect(calls).toContain('record')
    expect(calls).not.toContain('release claim')
  })

  it('keeps the claim after a bug in the fetch, so that a retry does not hammer the origin', async () => {
    const { run, calls } = setup({ fetchDocument: () => Promise.reject(new TypeError('bug')) })
    await expect(run()).rejects.toThrow('bug')
    expect(calls).toEqual(['claim', 'take budget', 'fetch', 'give back'])
  })

  it.each(['record', 'announce', 'enqueue'] as const)(
    'gives the budget back also when it cannot %s',
    async (step) => {
      const { run, calls } = setup({
        record: async () => ({ applied: true, next: 'fetch' }),
        [step]: () => Promise.reject(new Error('down')),
      })
      await expect(run()).rejects.toThrow('down')
      expect(calls.slice(-2)).toEqual([step, 'give back'])
    },
  )
})
