import { describe, expect, it } from 'vitest'
import { cloudEvent, cloudEventOf, type KeptEvent, toCloudEvent } from './cloud-event.ts'

const DIGEST = 'a'.repeat(64)
const KEPT: KeptEvent = {
  id: '0e7bb6ae-5b7c-4f8e-9a63-1c1b8ea0d9d5',
  type: 'client.discovered',
  clientId: 'https://app.example.net/client.json',
  clientSeq: 1,
  occurredAt: new Date(Date.UTC(2026, 10, 20, 12)),
  data: { digest: DIGEST },
}

describe(toCloudEvent, () => {
  it('makes the envelope of CloudEvents 1.0, with the client as its subject', () => {
    expect(toCloudEvent(KEPT, '/deployment')).toEqual({
      specversion: '1.0',
      id: KEPT.id,
      source: '/deployment',
      type: 'client.discovered',
      subject: 'https://app.example.net/client.json',
      time: '2026-11-20T12:00:00.000Z',
      datacontenttype: 'application/json',
      data: { digest: DIGEST },
      clientseq: 1,
    })
  })

  it('names no subject, and no place, for an event about no client', () => {
    const data = { advertise: false, why: 'fetchers_gone' }
    const kept = {
      ...KEPT,
      type: 'service.advertise_changed',
      data,
      clientId: undefined,
      clientSeq: undefined,
    }
    const told = toCloudEvent(kept, '/deployment')
    expect(Object.keys(told)).toEqual([
      ...['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'data'],
    ])
    expect(cloudEventOf('service.advertise_changed').parse(told)).toEqual(told)
  })

  it('names attributes as CloudEvents wants them: lower case letters and digits', () => {
    for (const name of Object.keys(toCloudEvent(KEPT, '/deployment'))) expect(name).toMatch(/^[a-z0-9]+$/)
  })
})

describe('the schema of an envelope', () => {
  it('holds for what is told, of any type, and for attributes a later release adds', () => {
    const told = toCloudEvent(KEPT, '/deployment')
    expect(cloudEvent.parse(told)).toEqual(told)
    expect(cloudEventOf('client.discovered').parse({ ...told, later: 1 })).toEqual(told)
  })

  it('holds for data of its type alone', () => {
    const told = toCloudEvent({ ...KEPT, data: { digest: 'none' } }, '/deployment')
    expect(cloudEventOf('client.discovered').safeParse(told).success).toBe(false)
    expect(cloudEventOf('client.dormant').safeParse(toCloudEvent(KEPT, '/deployment')).success).toBe(false)
  })
})
