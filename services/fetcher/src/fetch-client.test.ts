import { type BudgetAnswer, type FetchResult, RULES_VERSION, sha256Hex } from '@cimd/core'
import type { AttemptRecord, Claim } from '@cimd/store'
import { describe, expect, it } from 'vitest'
import { answerWith, at, stranger as claim, clientId, documentWith } from './claims.fixture.ts'
import { type FetchClientDeps, fetchClient } from './fetch-client.ts'
import type { Isolation } from './isolation/isolate.ts'

const body = documentWith({})
const fetched = answerWith(body)

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
    askNameServers: async () => ({ kind: 'unknown' }),
    observeOwner: async () => undefined,
    record: async (record) => {
      records.push(record)
      return { applied: true, next: undefined }
    },
    renewLinked: async (renewed) => renewed,
    announce: async () => {},
    enqueue: async () => {},
    defer: async () => {},
    release: async () => {},
    postpone: async () => {},
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
        postpone: noted('postpone', deps.postpone),
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

  it('asks for the client of the job, the budget of its host and domain (FET-23), and the document of its client_id', async () => {
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
    expect(asked).toEqual([
      '7',
      { host: 'app.example.com', domain: 'example.com', urgent: true },
      { url: clientId, validators: {} },
    ])
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
      [claim, 0, true],
    ])
  })

  it('dates the end by the clock of the database at the claim and what has passed since', async () => {
    const { run, records } = setup()
    await run()
    expect(records[0]?.finishedAt).toEqual(at(-0.75))
    expect(records[0]?.standing.validatedAt).toEqual(at(-0.75))
  })

  it('records the failure of an origin as an attempt, and the job succeeds', async () => {
    const failed: FetchResult = {
      ...{ kind: 'failed', code: 'timeout_connect', detail: 'after 3000 ms' },
      evidence: { phase: 'connect', addresses: [], bodyBytes: 0, times: { totalMs: 3000 } },
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

  it('judges once more, by what is usable then, where a key set was found to be another meanwhile (CHG-03)', async () => {
    const renewed: Claim = { ...claim, linked: { keys: undefined, logoDigest: undefined, eventSeq: 2 } }
    const records: AttemptRecord[] = []
    const { run, calls } = setup({
      record: async (record) => {
        records.push(record)
        return {
          applied: records.length > 1,
          next: undefined,
          ...(records.length === 1 && { overtaken: true }),
        }
      },
      renewLinked: async () => renewed,
    })
    expect(await run()).toMatchObject({ kind: 'recorded', recorded: { applied: true } })
    expect(records.map((record) => record.claim)).toEqual([claim, renewed])
    expect(records[1]).toEqual({ ...records[0], claim: renewed })
    expect(calls).toEqual(['claim', 'take budget', 'fetch', 'record', 'record', 'announce', 'give back'])
  })

  it('says how many events there are to announce', async () => {
    const announced: unknown[] = []
    const { run } = setup({
      announce: async (...given) => {
        announced.push(given)
      },
    })
    await run()
    expect(announced).toEqual([[claim, 1, false]])
  })

  it('tells those who wait in line of the place that is free', async () => {
    const announced: unknown[] = []
    const { run } = setup({
      record: async () => ({ applied: true, next: undefined, line: true }),
      announce: async (...given) => {
        announced.push(given)
      },
    })
    await run()
    expect(announced).toEqual([[claim, 1, true]])
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

describe('fetchClient of what several claims were lost of', () => {
  const suspect: Claim = { ...claim, lostClaims: 2 }
  const record = { claim: suspect, outcome: 'fetched', events: [] } as unknown as AttemptRecord

  function isolated(given: Partial<Isolation> = {}) {
    const done: string[] = []
    const isolation: Isolation = {
      fetch: async ({ url, resource }) => {
        done.push(`fetch ${resource} ${url}`)
        return fetched
      },
      evaluateDocument: async () => {
        done.push('evaluate')
        return record
      },
      evaluateKeys: () => Promise.reject(new Error('these are no keys')),
      [Symbol.dispose]: () => done.push('end'),
      ...given,
    }
    const world = setup({ claim: async () => suspect, takeIsolation: () => isolation })
    return { ...world, done }
  }

  it('has it fetched and judged in a process of its own, which ends with it', async () => {
    const { run, calls, records, done } = isolated()
    expect(await run()).toMatchObject({ kind: 'recorded', record })
    expect(done).toEqual([`fetch document ${clientId}`, 'evaluate', 'end'])
    expect(calls).toEqual(['claim', 'take budget', 'record', 'announce', 'give back'])
    expect(records).toEqual([record])
  })

  it('waits its turn while another is worked like that, and takes no budget', async () => {
    const { run, calls } = setup({ claim: async () => suspect, takeIsolation: () => undefined })
    expect(await run()).toEqual({ kind: 'postponed', claim: suspect })
    expect(calls).toEqual(['claim', 'postpone'])
  })

  it('does as always after one lost claim, and where no process can have the same network', async () => {
    const takeIsolation = () => {
      throw new Error('nothing of this is needed')
    }
    for (const given of [
      { claim: async () => ({ ...claim, lostClaims: 1 }), takeIsolation },
      { claim: async () => suspect },
    ]) {
      const { run, calls } = setup(given)
      await run()
      expect(calls).toContain('fetch')
    }
  })

  it('hands the claim back where no process could be started: that is no fault of its', async () => {
    const { run, calls, done } = isolated({ fetch: () => Promise.reject(new Error('no memory')) })
    await expect(run()).rejects.toThrow('no memory')
    expect(calls).toEqual(['claim', 'take budget', 'postpone', 'give back'])
    expect(done).toEqual(['end'])
  })

  it('hands the claim back when it is aborted, also while it is judged', async () => {
    const stopping = new AbortController()
    const { run, calls } = isolated({
      evaluateDocument: async () => {
        stopping.abort(new Error('stopping'))
        throw stopping.signal.reason
      },
    })
    await expect(run(stopping.signal)).rejects.toThrow('stopping')
    expect(calls).toEqual(['claim', 'take budget', 'release claim', 'give back'])
  })

  describe('whose the domain is (CHG-05)', () => {
    const standing = {
      ...{ era: 1, eraSince: at(-90_000), lastSeenAt: at(-90_000), settled: {} },
    } as const
    const domain = { name: 'example.com', standing, changesPending: false, nameServersAskedAt: undefined }
    const judged = { verdict: 'discontinuous', signals: [], reasons: [], isNews: true, standing } as const

    it('is judged before what was fetched counts, and wakes whoever tells of it', async () => {
      const order: unknown[] = []
      const { run } = setup({
        claim: async () => ({ ...claim, domain }),
        askNameServers: async (asked) => ({ kind: 'found', names: [`ns1.${asked}`] }),
        observeOwner: async (_, answered) => {
          order.push(answered)
          return judged
        },
        record: async () => {
          order.push('recorded')
          return { applied: false, next: undefined }
        },
        announce: async (_, events) => {
          order.push(events)
        },
      })
      expect(await run()).toMatchObject({ ownership: judged })
      expect(order).toEqual([{ kind: 'found', names: ['ns1.example.com'] }, 'recorded', 1])
    })

    it.each([
      ['nothing of the domain was ever valid', undefined],
      ['it was asked today', { ...domain, nameServersAskedAt: at(-3600) }],
    ])('is not asked where %s', async (_, known) => {
      const answers: unknown[] = []
      const { run } = setup({
        claim: async () => ({ ...claim, domain: known }),
        askNameServers: () => Promise.reject(new Error('nobody is to be asked')),
        observeOwner: async (_record, answered) => {
          answers.push(answered)
          return undefined
        },
      })
      await run()
      expect(answers).toEqual([undefined])
    })
  })
})
