import { verifyWebhook } from '@cimd/client'
import { describe, expect, it } from 'vitest'
import {
  answered,
  EVIDENCE,
  eventClaim,
  LANE,
  laneOf,
  SECRETS,
  verificationClaim,
} from './deliver-lane.fixture.ts'
import { deliverLane } from './deliver-lane.ts'

const NEVER = new AbortController().signal
const secretOf = (key: Uint8Array | undefined): string => `whsec_${Buffer.from(key ?? []).toString('base64')}`

describe(deliverLane, () => {
  it('does nothing where nothing can be claimed', async () => {
    const { deps, seen } = laneOf([])
    await deliverLane(deps, LANE, NEVER)
    expect(seen.posted).toEqual([])
    expect(seen.released).toEqual([])
  })

  it('tells nothing for a tenant that has all its turns taken, and gives its claim back', async () => {
    const answer = Promise.withResolvers<ReturnType<typeof answered>>()
    const { deps, seen } = laneOf([eventClaim(1), eventClaim(2)], () => answer.promise)
    const first = deliverLane(deps, LANE, NEVER)
    await deliverLane(deps, LANE, NEVER)
    expect(seen.posted).toHaveLength(1)
    expect(seen.released).toEqual([eventClaim(2)])
    answer.resolve(answered(204))
    await first
    expect(deps.takeTurn(eventClaim(1).tenant)).toBeDefined()
  })

  it('tells event after event, each as the feed does and signed with every secret', async () => {
    const { deps, seen } = laneOf([eventClaim(1), eventClaim(2)])
    await deliverLane(deps, LANE, NEVER)
    for (const [index, { url, headers, body }] of seen.posted.entries()) {
      expect(url).toBe('https://hooks.example.net/private-path')
      for (const secret of SECRETS.map(secretOf)) {
        const verified = verifyWebhook({ secrets: [secret], headers, body: body as string })
        expect(verified).toMatchObject({ ok: true, event: { source: '/test', clientseq: index + 1 } })
        if (verified.ok) expect(headers['webhook-id']).toBe(verified.event.id)
      }
      expect(verifyWebhook({ secrets: [secretOf(new Uint8Array(32))], headers, body }).ok).toBe(false)
    }
    expect(seen.posted).toHaveLength(2)
    expect(seen.told).toHaveLength(2)
  })

  it('tells how many events right before were given up, and nothing of it where none was', async () => {
    const { deps, seen } = laneOf([eventClaim(5, { skipped: 3 }), eventClaim(6)])
    await deliverLane(deps, LANE, NEVER)
    const [gap, none] = seen.posted.map(({ body }) => JSON.parse(body as string))
    expect(gap).toMatchObject({ clientseq: 5, skipped: 3 })
    expect(none).not.toHaveProperty('skipped')
  })

  it('records what the endpoint said, the first words of it, and how long it asked to wait', async () => {
    const claims = [eventClaim(1), eventClaim(2)]
    const { deps, seen } = laneOf(claims, async () => ({
      ...{ kind: 'answered', status: 503, retryAfterSeconds: 30, bodyText: 'x'.repeat(1000) },
      evidence: EVIDENCE,
    }))
    await deliverLane(deps, LANE, NEVER)
    expect(seen.outcomes).toEqual([
      {
        outcome: { kind: 'answered', status: 503, retryAfterSeconds: 30 },
        ...{ answer: 'x'.repeat(256), random: 0.5 },
      },
    ])
    expect(seen.released).toEqual([])
  })

  it('records the code of what never arrived', async () => {
    const { deps, seen } = laneOf([eventClaim(1)], async () => ({
      ...{ kind: 'failed', code: 'address_blocked', detail: '10.0.0.1' },
      evidence: EVIDENCE,
    }))
    await deliverLane(deps, LANE, NEVER)
    expect(seen.outcomes).toMatchObject([
      { outcome: { kind: 'failed', code: 'address_blocked' }, answer: undefined },
    ])
  })

  it('gives the lane back after 20 events, for others to have their turn', async () => {
    const claims = Array.from({ length: 30 }, (_, index) => eventClaim(index + 1))
    const { deps, seen } = laneOf(claims)
    await deliverLane(deps, LANE, NEVER)
    expect(seen.posted).toHaveLength(20)
    expect(seen.released).toEqual([claims[20]])
  })

  it('gives it back after 5 seconds, but never before the first', async () => {
    const times = [0, 6000, 6000]
    const { deps, seen } = laneOf([eventClaim(1), eventClaim(2)])
    await deliverLane({ ...deps, monotonicMs: () => times.shift() ?? 6000 }, LANE, NEVER)
    expect(seen.posted).toHaveLength(1)
    expect(seen.released).toEqual([eventClaim(2)])
  })

  it('begins nothing once the notifier stops', async () => {
    let stopping = false
    const { deps, seen } = laneOf([eventClaim(1), eventClaim(2)], async () => {
      stopping = true
      return answered(204)
    })
    const isStopping = () => stopping
    await deliverLane({ ...deps, isStopping }, LANE, NEVER)
    expect(seen.outcomes).toHaveLength(1)
    expect(seen.released).toEqual([eventClaim(2)])
  })

  it('hands the claim back when it is aborted, and rejects so that the job returns', async () => {
    const aborting = new AbortController()
    const { deps, seen } = laneOf([eventClaim(1)], async (_request, signal) => {
      aborting.abort(new Error('stopping'))
      signal.throwIfAborted()
      return answered(204)
    })
    await expect(deliverLane(deps, LANE, aborting.signal)).rejects.toThrow('stopping')
    expect(seen.released).toEqual([eventClaim(1)])
    expect(seen.outcomes).toEqual([])
  })

  it('leaves the claim to its end where nothing can be recorded: the same is told again', async () => {
    const { deps, seen } = laneOf([eventClaim(1)])
    const settle = () => Promise.reject(new Error('the database is away'))
    await expect(deliverLane({ ...deps, settle }, LANE, NEVER)).rejects.toThrow('away')
    expect(seen.released).toEqual([])
  })

  it('goes no further with a lane that another has by now', async () => {
    const { deps, seen } = laneOf([eventClaim(1), eventClaim(2)])
    await deliverLane({ ...deps, settle: async () => ({ kind: 'lost' }) }, LANE, NEVER)
    expect(seen.posted).toHaveLength(1)
    expect(seen.told).toMatchObject([{ settled: { kind: 'lost' } }])
  })

  it.each([
    ['as JSON', (challenge: string) => answered(200, JSON.stringify({ challenge })), true],
    ['as text', (challenge: string) => answered(200, ` ${challenge} `), true],
    ['of another', () => answered(200, '{"challenge":"other"}'), false],
    ['in no object', (challenge: string) => answered(200, JSON.stringify([challenge])), false],
    ['with an error', (challenge: string) => answered(500, challenge), false],
    ['with a redirect', (challenge: string) => answered(302, challenge), false],
    ['nowhere', () => answered(204), false],
  ])('verifies an endpoint by its challenge %s: %s', async (_how, answer, verified) => {
    const { deps, seen } = laneOf([verificationClaim('prove it')], async () => answer('prove it'))
    await deliverLane(deps, LANE, NEVER)
    expect(seen.verified).toEqual([verified])
    expect(seen.verifications).toMatchObject([{ settled: verified ? 'verified' : 'again' }])
    const [{ headers, body } = { headers: {}, body: '' }] = seen.posted
    expect(headers['webhook-id']).toBe('verify_some-id')
    expect(JSON.parse(body as string)).toEqual({
      ...{ type: 'subscription.verification', challenge: 'prove it', subscription_id: LANE.subscription },
    })
    // Signed, and still no event that somebody could take it for.
    expect(verifyWebhook({ secrets: SECRETS.map(secretOf), headers, body })).toMatchObject({
      reason: 'verification',
    })
  })

  it('does not verify an endpoint that cannot be reached', async () => {
    const { deps, seen } = laneOf([verificationClaim('prove it')], async () => ({
      ...{ kind: 'failed', code: 'connect_failed', detail: 'refused' },
      evidence: EVIDENCE,
    }))
    await deliverLane(deps, LANE, NEVER)
    expect(seen.verified).toEqual([false])
  })
})
