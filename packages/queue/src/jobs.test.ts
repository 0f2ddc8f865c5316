import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JOB_VERSION, jobOf, parseJob, QUEUE_NAMES } from './jobs.ts'

describe(parseJob, () => {
  it('reads what jobOf wrote, for any row id', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (id) => {
        const stored: unknown = JSON.parse(JSON.stringify(jobOf('fetch', { client: String(id) }).data))
        expect(parseJob('fetch', stored)).toEqual({ kind: 'job', job: { client: String(id) } })
      }),
    )
  })

  it.each(['-1', '0', '9223372036854775807'])('reads what jobOf wrote for the lane %s', (lane) => {
    const job = { subscription: '0e7bb6ae-5b7c-4f8e-9a63-1c1b8ea0d9d5', lane }
    const { name, data } = jobOf('deliver', job)
    expect(name).toBe('lane')
    expect(parseJob('deliver', JSON.parse(JSON.stringify(data)))).toEqual({ kind: 'job', job })
  })

  it('ignores optional members that a later release may add', () => {
    expect(parseJob('refresh', { v: 1, client: '7', hint: true })).toEqual({
      kind: 'job',
      job: { client: '7' },
    })
  })

  it('recognises a newer version whatever else the payload holds', () => {
    const version = JOB_VERSION + 1
    expect(parseJob('fetch', { v: version, clients: [1] })).toEqual({ kind: 'newer', version })
  })

  it.each([
    ['no object', 'text', 'payload: '],
    ['nothing', undefined, 'payload: '],
    ['no version', { client: '7' }, 'v: '],
    ['version zero', { v: 0, client: '7' }, 'v: '],
    ['a version in words', { v: '2', client: '7' }, 'v: '],
    ['a numeric client', { v: 1, client: 7 }, 'client: '],
    ['a client with a leading zero', { v: 1, client: '07' }, 'client: must be a positive decimal row id'],
    ['a negative client', { v: 1, client: '-7' }, 'client: must be a positive decimal row id'],
  ])('calls %s malformed and names the member', (_name, data, reason) => {
    expect(parseJob('fetch', data)).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) })
  })

  it.each([
    ['the job of a client', { v: 1, client: '7' }, 'subscription: '],
    ['a subscription that is none', { v: 1, subscription: '7', lane: '0' }, 'subscription: '],
    ['a lane below all', { v: 1, subscription: crypto.randomUUID(), lane: '-2' }, 'lane: '],
    ['a numeric lane', { v: 1, subscription: crypto.randomUUID(), lane: 7 }, 'lane: '],
  ])('calls %s malformed among deliveries', (_name, data, reason) => {
    expect(parseJob('deliver', data)).toEqual({
      kind: 'malformed',
      reason: expect.stringContaining(reason),
    })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...QUEUE_NAMES), (data, queue) => {
        expect(['job', 'malformed', 'newer']).toContain(parseJob(queue, data).kind)
      }),
    )
  })
})

describe(jobOf, () => {
  it('refuses anything but a row id', () => {
    expect(() => jobOf('fetch', { client: 'abc' })).toThrow()
  })
})
