import { setTimeout as sleep } from 'node:timers/promises'
import type { FailureCode } from '@cimd/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Arena, DEADLINE_MS, type PostOutcome, SLACK_MS, startArena } from './arena.ts'
import { BEHAVIOURS, type BehaviourName, isBehaviour } from './behaviours.ts'
import { addresses } from './name-server.ts'
import { RESOLVER_ZONES } from './resolver-rows.ts'

/** What a delivery may read: an answer's text is 1024 bytes, all else head, handshake and what one read brings beyond. */
const WIRE_BYTES_MAX = 300_000
const TEXT_LENGTH_MAX = 1024

/** Receivers that no status can be had from; every other one is answered with the status it sends. */
const UNANSWERED: Readonly<Partial<Record<FailureCode, readonly BehaviourName[]>>> = {
  timeout_response: ['hdr_stall', 'hdr_stall_mid', 'hdr_trickle', 'hdr_trickle_lines', 'i1xx_slow'],
  headers_too_large: [
    ...(['hdr_20k', 'hdr_3000', 'hdr_infinite', 'hdr_line_infinite', 'hdr_name_infinite'] as const),
    ...(['reason_infinite', 'i1xx_flood', 'i1xx_50', 'i1xx_20k'] as const),
  ],
  response_malformed: [
    ...(['cl_neg', 'cl_plus', 'bare_lf', 'nul_hdr', 'hdr_fold', 'hdr_space_before_colon'] as const),
    ...(['hdr_no_colon', 'status_line_garbage', 'http_garbage', 'http09', 'h2_frames'] as const),
    ...(['h2_preface', 'split_bare_cr', 's000'] as const),
  ],
  response_incomplete: [
    ...(['i100', 's101', 'cl_twice', 'cl_te', 'close_before_answer', 'close_mid_header'] as const),
    ...(['rst_before_answer', 'rst_mid_header'] as const),
  ],
  tls_certificate_invalid: [
    ...(['tls_selfsigned', 'tls_expired', 'tls_not_yet_valid', 'tls_wrong_name'] as const),
    ...(['tls_unknown_root', 'tls_cn_only'] as const),
  ],
  tls_failed: [
    ...(['tls_11', 'tls_client_cert_required', 'tls_alpn_h2', 'tls_renegotiate_infinite'] as const),
    ...(['tcp_close', 'tls_rst', 'tls_close', 'tls_plaintext_http', 'tls_garbage'] as const),
    ...(['tls_garbage_infinite', 'tls_warning_flood'] as const),
  ],
  timeout_connect: ['tls_hang', 'tls_trickle'],
  connect_failed: ['tcp_refused', 'tcp_rst'],
}

/** Whether a reset comes before the connection, or before an alert, is told of is for the machine to say. */
const ENDS_AS_WELL: Readonly<Record<string, readonly FailureCode[]>> = {
  tcp_rst: ['tls_failed'],
  tls_client_cert_required: ['response_incomplete'],
}

/** A busy machine notices late what has long been closed. */
const DRAINED_MS_MAX = 45_000

const BEHAVIOUR_NAMES = Object.keys(BEHAVIOURS).filter(isBehaviour)

let arena: Arena
beforeAll(async () => {
  arena = await startArena()
})
afterAll(() => arena[Symbol.asyncDispose]())

const expectedOf = (behaviour: BehaviourName): string => {
  const refused = Object.entries(UNANSWERED).find(([, names]) => names.includes(behaviour))
  const status = /^(?:s|redirect_)(\d{3})(?:_|$)/.exec(behaviour)?.[1]
  return refused?.[0] ?? status ?? (behaviour === 'bot_challenge' ? '403' : '200')
}

const endOf = ({ result }: PostOutcome): string =>
  result.kind === 'answered' ? String(result.status) : result.code

describe.concurrent('a delivery to a hostile receiver', () => {
  it.each(BEHAVIOUR_NAMES)(
    'FET-05, FET-10, FET-23: ends as it must: %s',
    { timeout: 60_000 },
    async (behaviour) => {
      const expected = expectedOf(behaviour)
      const outcome = await inTime(expected, () => arena.postTo(behaviour))
      const { result } = outcome
      const end = endOf(outcome)
      expect([expected, ...(ENDS_AS_WELL[behaviour] ?? [])]).toContain(end)
      expect(outcome.elapsedMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
      expect(outcome.dialled.length).toBeLessThanOrEqual(1)
      expect(result.evidence.wireBytes ?? 0).toBeLessThan(WIRE_BYTES_MAX)
      const text = result.kind === 'answered' ? result.bodyText : ''
      expect(text.length).toBeLessThanOrEqual(TEXT_LENGTH_MAX)
      expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    },
  )
})

describe('the receiver', () => {
  it('FET-23: finds every connection closed', { timeout: 60_000 }, async () => {
    await Promise.race([arena.origin.drained(), sleep(DRAINED_MS_MAX, undefined, { ref: false })])
    const open = arena.origin.connections.filter(({ closedAtMs }) => closedAtMs === undefined)
    expect(open.map(({ behaviour }) => behaviour)).toEqual([])
  })

  it('FET-05: was asked by POST, once for each delivery, and by nobody who followed a redirect', () => {
    const asked = BEHAVIOUR_NAMES.flatMap((behaviour) =>
      arena.origin.requestsOf(behaviour).map((bytes) => bytes.toString('latin1').split('\r\n', 1)[0]),
    )
    expect(asked.length).toBeGreaterThan(100)
    expect(asked.filter((line) => !/^POST \/\w+\/hook HTTP\/1\.1$/.test(line ?? ''))).toEqual([])
  })
})

describe.concurrent('a delivery by way of a hostile name server', () => {
  it.each(RESOLVER_ZONES)(
    'FET-12, FET-16: %s ends in %j',
    { timeout: 60_000 },
    async (_name, expected, zone) => {
      const codes = expected.length === 0 ? ['200'] : expected
      const outcome = await inTime(codes.join(), () => arena.postBy(zone))
      expect(codes).toContain(endOf(outcome))
      expect(outcome.elapsedMs).toBeLessThan(DEADLINE_MS + SLACK_MS)
      if (endOf(outcome) === 'address_blocked') expect(outcome.dialled).toEqual([])
    },
  )

  it('FET-16: a name that is bound anew is judged anew, and never between question and connection', async () => {
    const zone = (question: Parameters<(typeof RESOLVER_ZONES)[number][2]>[0]) =>
      addresses(question, question.count === 1 ? ['93.184.215.14'] : ['10.0.0.1'], 0)
    const first = await inTime('200', () => arena.postBy(zone))
    expect(first).toMatchObject({ result: { kind: 'answered', status: 200 } })
    expect(first.dialled).toEqual([{ address: '93.184.215.14', port: 443 }])
  })
})

describe('a delivery to a URL', () => {
  it.each<[string, FailureCode]>([
    ['https://127.0.0.1/ok/hook', 'host_ip_literal'],
    ['https://169.254.169.254/ok/hook', 'host_ip_literal'],
    ['https://[::ffff:169.254.169.254]/ok/hook', 'host_ip_literal'],
    ['https://2130706433/ok/hook', 'host_ip_literal'],
    ['https://localhost/ok/hook', 'host_special_use'],
    ['https://metadata.google.internal/ok/hook', 'host_special_use'],
    ['https://api.svc/ok/hook', 'host_special_use'],
    ['https://user@client.example.org/ok/hook', 'url_userinfo'],
    ['http://client.example.org/ok/hook', 'url_scheme'],
  ])('FET-12, FET-19: dials nobody for %s', async (url, code) => {
    const { result, dialled } = await arena.postUrl(url)
    expect(result).toMatchObject({ kind: 'failed', code })
    expect(dialled).toEqual([])
  })
})

/** A busy machine makes some end late or at an earlier stage, and gives them the time when they are tried again. */
async function inTime(expected: string, post: () => Promise<PostOutcome>): Promise<PostOutcome> {
  let outcome = await post()
  for (let again = 0; again < 8 && isOutOfTime(expected, outcome); again += 1) outcome = await post()
  return outcome
}

function isOutOfTime(expected: string, outcome: PostOutcome): boolean {
  const end = endOf(outcome)
  return (
    outcome.elapsedMs >= DEADLINE_MS + SLACK_MS || (end.startsWith('timeout_') && !expected.includes(end))
  )
}
