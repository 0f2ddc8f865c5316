import { describe, expect, it } from 'vitest'
import { captureOutput } from './captured-output.ts'
import { type ClientShowArgs, runClientShow } from './client.ts'

const CLIENT_ID = 'https://app.example.net/client.json'
const [OLD, NEW] = ['ab'.repeat(32), 'cd'.repeat(32)]
const SHOWN = {
  ...{ client_id: CLIENT_ID, state: 'failing_withdrawn', now: '2026-11-20T10:05:00.000Z', digest: NEW },
  freshness: {
    state: 'stale',
    since: '2026-11-20T10:00:00.000Z',
    until: '2026-11-20T10:15:00.000Z',
    why: 'status_404',
  },
  ...{
    validated_at: '2026-11-20T09:00:00.000Z',
    usable_until: '2026-11-20T10:15:00.000Z',
    stale_forbidden: false,
  },
  failure: {
    code: 'status_404',
    since: '2026-11-20T10:00:00.000Z',
    summary: 'The document is not there (404).',
  },
  withdrawing: {
    code: 'status_404',
    since: '2026-11-20T10:00:00.000Z',
    summary: 'The document is not there (404).',
  },
  ...{ held_by_brake: false, next_look_at: '2026-11-20T10:06:00.000Z', fetch_pending: false },
  ...{ first_demand_at: '2026-11-01T00:00:00.000Z', last_resolved_at: '2026-11-20T09:30:00.000Z' },
  leased_until: '2026-12-20T09:30:00.000Z',
  versions: [
    {
      ...{
        digest: NEW,
        first_seen_at: '2026-11-10T08:00:00.000Z',
        last_confirmed_at: '2026-11-20T09:00:00.000Z',
      },
      ...{ current: true, approved: false, bound: [] },
    },
    {
      ...{
        digest: OLD,
        first_seen_at: '2026-11-01T00:00:01.000Z',
        last_confirmed_at: '2026-11-10T07:00:00.000Z',
      },
      ...{ current: false, approved: true, bound: [{ kind: 'consent', until: '2027-12-06T00:00:00.000Z' }] },
    },
  ],
  history: [
    {
      ...{ kind: 'event', time: '2026-11-20T10:00:00.000Z', type: 'client.stale', client_seq: 3 },
      data: {
        ...{ digest: NEW, code: 'status_404', since: '2026-11-20T10:00:00.000Z' },
        until: '2026-11-20T10:15:00.000Z',
      },
    },
    {
      ...{
        kind: 'attempt',
        time: '2026-11-20T10:00:00.000Z',
        outcome: 'failed',
        code: 'status_404',
        detail: '404\u0007',
      },
    },
    { kind: 'attempt', time: '2026-11-20T09:00:00.000Z', outcome: 'not_modified', digest: NEW },
    {
      ...{ kind: 'event', time: '2026-11-10T08:00:00.000Z', type: 'client.metadata_changed', client_seq: 2 },
      data: {
        ...{ from_digest: OLD, to_digest: NEW, classes: ['display', 'widening'] },
        changes: [
          { member: 'client_name', class: 'display' },
          { member: 'redirect_uris', class: 'widening' },
        ],
      },
    },
    { kind: 'attempt', time: '2026-11-10T08:00:00.000Z', outcome: 'fetched', digest: NEW },
    {
      ...{ kind: 'event', time: '2026-11-05T08:00:00.000Z', type: 'client.keys_changed', client_seq: 1 },
      data: { source: 'jwks', to_digest: OLD, added: ['x'], removed: ['y', 'z'] },
    },
    {
      kind: 'event',
      time: '2026-11-02T08:00:00.000Z',
      type: 'client.of_a_later_release',
      client_seq: 0,
      data: 1,
    },
    { kind: 'attempt', time: '2026-11-01T00:00:00.000Z', outcome: 'failed', code: 'address_blocked' },
  ],
  next: '1793491200000000.0.7',
}

async function show(answer: object, given: Partial<ClientShowArgs> = {}, status = 200) {
  const { output, stdout } = captureOutput()
  const asked: string[] = []
  const fetch = async (url: string, init: RequestInit) => {
    asked.push(`${new Headers(init.headers).get('authorization')} ${url}`)
    return Response.json(answer, { status, headers: { 'retry-after': '7' } })
  }
  const api = { url: 'http://api.test', source: 'the test' }
  const args = { clientId: CLIENT_ID, limit: 20, before: undefined, json: false, ...given }
  const exitCode = await runClientShow({ output, api, key: 'cimd_key', fetch }, args)
  return { exitCode, asked, stdout: stdout() }
}

describe('client show', () => {
  it('tells how a client is, why, what comes next, its versions and what happened', async () => {
    const { exitCode, stdout, asked } = await show(SHOWN)
    expect(exitCode).toBe(0)
    expect(asked).toEqual([
      'Bearer cimd_key http://api.test/v1/client?client_id=https%3A%2F%2Fapp.example.net%2Fclient.json&limit=20',
    ])
    expect(stdout).toMatchInlineSnapshot(`
      "failing, withdrawn: The publisher says that the document is gone; only a valid answer within 15 minutes keeps the client. What is kept may still be used.
        client_id  https://app.example.net/client.json
        found      status_404 since 2026-11-20 10:00:00 UTC: The document is not there (404).
        confirmed  2026-11-20 09:00:00 UTC
        usable     until 2026-11-20 10:15:00 UTC
        next look  2026-11-20 10:06:00 UTC
        in use     until 2026-12-20 09:30:00 UTC, unless it is used again

      2 versions
        digest         first seen               last confirmed           kept as
        cdcdcdcdcdcd…  2026-11-10 08:00:00 UTC  2026-11-20 09:00:00 UTC  current
        abababababab…  2026-11-01 00:00:01 UTC  2026-11-10 07:00:00 UTC  approved, consent until 2027-12-06 00:00:00 UTC

      History, newest first
        2026-11-20 10:00:00 UTC  * client.stale: status_404, usable until 2026-11-20 10:15:00 UTC, cdcdcdcdcdcd…
        2026-11-20 10:00:00 UTC  failed: status_404, 404\\u{7}
        2026-11-20 09:00:00 UTC  confirmed cdcdcdcdcdcd…, not modified
        2026-11-10 08:00:00 UTC  * client.metadata_changed: display of client_name, widening of redirect_uris, cdcdcdcdcdcd…
        2026-11-10 08:00:00 UTC  fetched cdcdcdcdcdcd…
        2026-11-05 08:00:00 UTC  * client.keys_changed: 1 key added, 2 removed, abababababab…
        2026-11-02 08:00:00 UTC  * client.of_a_later_release
        2026-11-01 00:00:00 UTC  failed: address_blocked, The host resolves to a special-use address.
        older: --before 1793491200000000.0.7
      "
    `)
  })

  it('tells of a client nobody has fetched yet only what there is', async () => {
    const { stdout } = await show({
      ...{ ...SHOWN, state: 'discovering', freshness: { state: 'unusable', why: 'unknown' } },
      ...{ digest: undefined, validated_at: undefined, failure: undefined, withdrawing: undefined },
      ...{ next_look_at: undefined, fetch_pending: true, versions: [], history: [], next: undefined },
    })
    expect(stdout).toMatchInlineSnapshot(`
      "discovering: No document of this client was ever valid. It may not be used.
        client_id  https://app.example.net/client.json
        next look  now: a fetch is wanted or under way
        in use     until 2026-12-20 09:30:00 UTC, unless it is used again
      "
    `)
  })

  it('tells what is in quarantine, and how to end that', async () => {
    const quarantine = { since: SHOWN.validated_at, until: SHOWN.leased_until }
    const { stdout } = await show({ ...SHOWN, quarantine, fetch_pending: true })
    expect(stdout).toContain(
      ': Whatever processes its answer dies of it, so nothing is fetched for now. What',
    )
    expect(stdout).toContain(
      'quarantine  2026-11-20 09:00:00 UTC until 2026-12-20 09:30:00 UTC; at once with: cimd client release https://app.',
    )
    expect(stdout).toContain('next look   not before 2026-12-20 09:30:00 UTC')
  })

  it.each([
    [{ state: 'fresh', freshness: { state: 'fresh', until: SHOWN.next_look_at } }, 'It may be used.'],
    [{ held_by_brake: true }, 'by the brake: an operator doubts what was found'],
    [{ next_look_at: undefined }, 'next look  when somebody uses it'],
    [{ state: 'dormant', dormant_since: SHOWN.next_look_at }, 'since 2026-11-20 10:06:00 UTC'],
    [{ state: 'of_a_later_release' }, 'of_a_later_release: What is kept may still be used.'],
  ])('tells %j', async (members, expected) => {
    const { stdout } = await show({ ...SHOWN, ...members })
    expect(stdout).toContain(expected)
  })

  it('asks for older history, and for as much as is wanted', async () => {
    const { asked } = await show(SHOWN, { before: SHOWN.next, limit: 3 })
    expect(asked[0]).toContain(`limit=3&before=${SHOWN.next}`)
  })

  it('prints the answer as it is with --json', async () => {
    const { stdout } = await show(SHOWN, { json: true })
    expect(JSON.parse(stdout)).toEqual(SHOWN)
  })

  it('tells a problem with what to do about it', async () => {
    const problem = {
      ...{ type: 'urn:cimd:problem:client_unknown', status: 404, code: 'client_unknown', class: 'request' },
      ...{ title: 'This client has never been resolved for an authorization.', retryable: false },
    }
    const { exitCode, stdout } = await show(problem, {}, 404)
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✗ request: client_unknown')
    expect(stdout).toContain('Resolve it once')
  })

  it('does not take anything else for an answer', async () => {
    await expect(show({ hello: 'world' })).rejects.toThrow('does not answer like the api: status 200')
  })
})
