import type { PostRequest, PostResult } from '@cimd/core'
import type { LaneClaim, LaneRef, SettledDelivery, ToldOutcome } from '@cimd/store'
import type { DeliverLaneDeps, ToldEvent, VerificationEnd } from './deliver-lane.ts'
import { createTenantTurns } from './tenant-turns.ts'

export const LANE: LaneRef = { subscription: '3b0f8a2e-53c5-4f3b-a1a5-6c1d8f0f6c11', lane: '7' }
export const SECRETS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
export const EVIDENCE: PostResult['evidence'] = {
  phase: 'body',
  addresses: ['192.0.2.1'],
  bodyBytes: 0,
  times: { totalMs: 5 },
}

const CLAIM = {
  ...LANE,
  token: 'b7b3c9f6-7a7b-4d0e-9a4b-4b9f4d6ef000',
  tenant: '1c3b0f0e-2f0b-4a52-8c35-2cf3a7ad9c55',
  url: 'https://hooks.example.net/private-path',
  secrets: SECRETS,
  now: new Date('2026-11-20T12:00:00Z'),
}

/** The claim of the event at a place of the lane, from 1. */
export function eventClaim(seq: number, { skipped = 0 } = {}): LaneClaim {
  const event = {
    position: seq,
    id: `0e7bb6ae-5b7c-4f8e-9a63-${String(seq).padStart(12, '0')}`,
    type: 'client.discovered',
    clientRef: '7',
    clientId: 'https://client.example.net/client.json',
    clientSeq: seq,
    occurredAt: new Date('2026-11-20T11:59:00Z'),
    data: { digest: 'a'.repeat(64) },
  }
  return { ...CLAIM, told: { kind: 'event', delivery: String(seq), attempts: 0, skipped, event } }
}

export function verificationClaim(challenge: string): LaneClaim {
  return { ...CLAIM, lane: '-1', told: { kind: 'verification', challenge, askedSince: CLAIM.now } }
}

export function answered(status: number, bodyText = ''): PostResult {
  return { kind: 'answered', status, bodyText, evidence: EVIDENCE }
}

/** A lane in which `claims` wait, one after the other, and an endpoint that answers; with what became of it. */
export function laneOf(
  claims: readonly LaneClaim[],
  post: (request: PostRequest, signal: AbortSignal) => Promise<PostResult> = async () => answered(204),
) {
  const waiting = [...claims]
  const seen = {
    posted: [] as PostRequest[],
    outcomes: [] as ToldOutcome[],
    verified: [] as boolean[],
    released: [] as LaneClaim[],
    told: [] as ToldEvent[],
    verifications: [] as VerificationEnd[],
  }
  const settle = async (_claim: LaneClaim, told: ToldOutcome): Promise<SettledDelivery> => {
    seen.outcomes.push(told)
    const { outcome } = told
    const isTaken = outcome.kind === 'answered' && outcome.status < 300
    const endpoint = { failures: 0, failingSince: undefined, pausedUntil: undefined }
    const common = { code: undefined, nextAt: CLAIM.now, endpoint, disabled: undefined }
    if (!isTaken) {
      return { kind: 'settled', verdict: { ...common, delivery: 'waiting', code: 'no' }, next: undefined }
    }
    return { kind: 'settled', verdict: { ...common, delivery: 'delivered' }, next: waiting.shift() }
  }
  const deps: DeliverLaneDeps = {
    claim: async () => waiting.shift(),
    takeTurn: createTenantTurns(1),
    post: (request, signal) => {
      seen.posted.push(request)
      return post(request, signal)
    },
    settle,
    settleVerification: async (_claim, { verified }) => {
      seen.verified.push(verified)
      return verified ? 'verified' : 'again'
    },
    release: async (claim) => void seen.released.push(claim),
    onTold: async (told) => void seen.told.push(told),
    onVerification: async (end) => void seen.verifications.push(end),
    ...{ eventSource: '/test', isStopping: () => false, monotonicMs: () => 0, now: () => new Date() },
    random: () => 0.5,
    randomId: () => 'some-id',
  }
  return { deps, seen }
}
