import { createHmac, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { verifyWebhook } from './webhook.ts'

const [KEY, OTHER_KEY] = [randomBytes(32), randomBytes(32)]
const secretOf = (key: Buffer): string => `whsec_${key.toString('base64')}`
const EVENT = {
  ...{
    specversion: '1.0',
    id: '0e7bb6ae-5b7c-4f8e-9a63-1c1b8ea0d9d5',
    source: '/test',
    type: 'client.discovered',
  },
  ...{
    time: '2026-11-20T12:00:00.000Z',
    datacontenttype: 'application/json',
    data: { digest: 'a'.repeat(64) },
  },
}
const BODY = JSON.stringify(EVENT)

/** Signed by hand, as the rules of Standard Webhooks say. */
function signed(body = BODY, { key = KEY, at = Date.now() }: { key?: Buffer; at?: number } = {}) {
  const timestamp = Math.floor(at / 1000)
  const signature = createHmac('sha256', key).update(`${EVENT.id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': EVENT.id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
}

describe(verifyWebhook, () => {
  it('gives the event of a body that is signed, as text or as it came', () => {
    for (const body of [BODY, Buffer.from(BODY)]) {
      expect(verifyWebhook({ secrets: [secretOf(KEY)], headers: signed(), body })).toEqual({
        ok: true,
        event: EVENT,
      })
    }
  })

  it('takes any of several secrets, and any of several signatures, while one is replaced', () => {
    const both = [secretOf(OTHER_KEY), secretOf(KEY)]
    expect(verifyWebhook({ secrets: both, headers: signed(), body: BODY }).ok).toBe(true)
    const [old, fresh] = [signed(), signed(BODY, { key: OTHER_KEY })]
    const headers = {
      ...old,
      'webhook-signature': `${old['webhook-signature']} ${fresh['webhook-signature']}`,
    }
    expect(verifyWebhook({ secrets: [secretOf(OTHER_KEY)], headers, body: BODY }).ok).toBe(true)
  })

  it.each<[string, Record<string, string | string[] | undefined>, string]>([
    ['a body that was changed', signed(), `${BODY} `],
    ['another key', signed(BODY, { key: OTHER_KEY }), BODY],
    ['another id', { ...signed(), 'webhook-id': '1' }, BODY],
    ['another time', { ...signed(), 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 1) }, BODY],
    ['a time long past', signed(BODY, { at: Date.now() - 6 * 60_000 }), BODY],
    ['a time to come', signed(BODY, { at: Date.now() + 60 * 60_000 }), BODY],
    ['no signature', { ...signed(), 'webhook-signature': undefined }, BODY],
    ['headers that came twice', { ...signed(), 'webhook-signature': ['v1,a', 'v1,b'] }, BODY],
  ])('refuses %s', (_, headers, body) => {
    expect(verifyWebhook({ secrets: [secretOf(KEY)], headers, body })).toMatchObject({
      ok: false,
      reason: 'unsigned',
    })
  })

  it('gives the challenge of a verification, if that is signed', () => {
    const body = JSON.stringify({ type: 'subscription.verification', challenge: 'abc', subscription_id: '1' })
    const asked = { secrets: [secretOf(KEY)], headers: signed(body), body }
    expect(verifyWebhook(asked)).toMatchObject({ ok: false, reason: 'verification', challenge: 'abc' })
    expect(verifyWebhook({ ...asked, secrets: [secretOf(OTHER_KEY)] })).toMatchObject({ reason: 'unsigned' })
  })

  it('refuses everything where there is no secret', () => {
    expect(verifyWebhook({ secrets: [], headers: signed(), body: BODY })).toMatchObject({
      reason: 'unsigned',
    })
  })

  it('says of a secret that is none that it is', () => {
    expect(() => verifyWebhook({ secrets: ['whsec_'], headers: signed(), body: BODY })).toThrow('empty')
  })

  it.each(['', 'no JSON', '{}', '[]'])('refuses %j, signed or not: it is no event', (body) => {
    expect(verifyWebhook({ secrets: [secretOf(KEY)], headers: signed(body), body })).toMatchObject({
      reason: 'no_event',
    })
  })
})
