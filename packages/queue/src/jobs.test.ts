import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JOB_VERSION, jobPayload, parseJob } from './jobs.ts'

describe(parseJob, () => {
  it('reads what jobPayload wrote, for any row id', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (id) => {
        const stored: unknown = JSON.parse(JSON.stringify(jobPayload(String(id))))
        expect(parseJob(stored)).toEqual({ kind: 'job', job: { client: String(id) } })
      }),
    )
  })

  it('ignores optional members that a later release may add', () => {
    expect(parseJob({ v: 1, client: '7', hint: true })).toEqual({ kind: 'job', job: { client: '7' } })
  })

  it('recognises a newer version whatever else the payload holds', () => {
    const version = JOB_VERSION + 1
    expect(parseJob({ v: version, clients: [1] })).toEqual({ kind: 'newer', version })
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
    expect(parseJob(data)).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (data) => {
        expect(['job', 'malformed', 'newer']).toContain(parseJob(data).kind)
      }),
    )
  })
})

describe(jobPayload, () => {
  it('refuses anything but a row id', () => {
    expect(() => jobPayload('abc')).toThrow()
  })
})
