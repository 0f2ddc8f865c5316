import { randomUUID } from 'node:crypto'
import type { Party, World } from './world.ts'

/** One request of a party, and what it is about. */
export type Probe = {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly body?: object
}

const clientPath = (clientId: string) => `/v1/client?client_id=${encodeURIComponent(clientId)}`

/**
 * Everything one party asks, about what is its own, what both share, and what is the other's: together every statement
 * that the api has for a tenant. What changes something comes last.
 */
export function probesOf(world: World, me: Party, other: Party): readonly Probe[] {
  return [
    ...reads(world, me, other),
    ...resolves(world, me, other),
    ...writes(world, me, other),
    ...decides(world, me, other),
    ...puts(world, me),
    ...ends(me, other),
  ]
}

function reads(world: World, me: Party, other: Party): Probe[] {
  const clients = {
    ...{ shared: world.shared, failing: world.failing, own: me.own, theirs: other.own },
    ...{
      approved: me.approved,
      'approved by them': other.approved,
      held: me.held,
      'held by them': other.held,
      judged: world.judged,
    },
  }
  return [
    ...Object.entries(clients).map(([name, clientId]) => get(`client ${name}`, clientPath(clientId))),
    get('a page of history', `${clientPath(world.shared)}&limit=1`),
    ...world.digests.map((digest, index) =>
      get(`changes since version ${index + 1}`, changesPath(world.shared, digest)),
    ),
    get('changes since what I was given', changesPath(me.held, me.heldDigest)),
    get('changes since what they were given', changesPath(other.held, other.heldDigest)),
    get('changes of theirs', changesPath(other.own, world.digests[0])),
    ...policies(),
    get('registrations', '/v1/registrations'),
    get('reviews', '/v1/reviews'),
    get('audit', '/v1/audit'),
    get('beginning of the audit', '/v1/audit?limit=2'),
    get('head of the audit', '/v1/audit/head'),
    get('export of the audit', '/v1/audit/export'),
    get('events', '/v1/events'),
    get('events from the middle', '/v1/events?after=3'),
    get('my ticket', `/v1/tickets/${me.ticket}`),
    get('their ticket', `/v1/tickets/${other.ticket}`),
    get('no ticket', `/v1/tickets/${randomUUID()}`),
    get('subscriptions', '/v1/subscriptions'),
    ...me.subscriptions.map((id) => get('my subscription', `/v1/subscriptions/${id}`)),
    ...other.subscriptions.map((id) => get('their subscription', `/v1/subscriptions/${id}`)),
    get('my deliveries', `/v1/subscriptions/${me.subscriptions[0]}/deliveries`),
    get('their deliveries', `/v1/subscriptions/${other.subscriptions[0]}/deliveries`),
  ]
}

function resolves(world: World, me: Party, other: Party): Probe[] {
  const asked = (client_id: string) => ({ client_id, purpose: 'token' })
  return [
    post('resolve mine', '/v1/resolve', asked(me.own)),
    post('resolve theirs', '/v1/resolve', asked(other.own)),
    post('resolve judged', '/v1/resolve', asked(world.judged)),
    post('resolve shared', '/v1/resolve', { client_id: world.shared, subject: 'alice' }),
    post('resolve what I approved', '/v1/resolve', asked(me.approved)),
    post('resolve what they approved', '/v1/resolve', asked(other.approved)),
    post('resolve what they were given', '/v1/resolve', asked(other.held)),
    get('changes since what both were given', changesPath(other.held, other.heldDigest)),
    post('keys of mine', '/v1/client/keys/refresh', { client_id: me.own, wait_ms: 0 }),
    post('keys of theirs', '/v1/client/keys/refresh', { client_id: other.own, wait_ms: 0 }),
  ]
}

function writes(world: World, me: Party, other: Party): Probe[] {
  const first = `https://first-use-${me.name}.example.net/client.json`
  const report = { kind: 'consent', lease_seconds: 600 }
  return [
    post('report a use', '/v1/client/reports', {
      ...report,
      client_id: world.shared,
      digest: world.digests[4],
    }),
    post('report a use of what I was given', '/v1/client/reports', {
      ...{ ...report, client_id: me.held, digest: me.heldDigest },
    }),
    post('report a use of theirs', '/v1/client/reports', {
      ...{ ...report, client_id: other.own, digest: world.digests[0] },
    }),
    post('resolve for the first time', '/v1/resolve', { client_id: first, subject: 'alice', wait_ms: 0 }),
    post('resolve what they wait for', '/v1/resolve', {
      client_id: other.awaited,
      subject: 'alice',
      wait_ms: 0,
    }),
    ...(['shared', 'failing', 'judged'] as const).map((name) =>
      post(`refresh ${name}`, '/v1/refresh', { client_id: world[name], subject: 'alice' }),
    ),
    post('report a user', '/v1/client/reports', {
      ...{ ...report, client_id: world.shared, digest: world.digests[4], subject: 'alice' },
    }),
    post('make a subscription', '/v1/subscriptions', { url: 'https://hooks.example.net/third', after: '2' }),
    post('replay mine', `/v1/subscriptions/${me.subscriptions[0]}/replay`, { after: '1' }),
    post('replay theirs', `/v1/subscriptions/${other.subscriptions[0]}/replay`, { after: '0' }),
    ...keys(me, other),
    ...change('mine', me.subscriptions[0]),
    ...change('theirs', other.subscriptions[0]),
  ]
}

function policies(): Probe[] {
  return [
    get('policy', '/v1/policy'),
    get('versions of the policy', '/v1/policy/versions'),
    ...[1, 2, 3].map((version) => get(`version ${version} of the policy`, `/v1/policy/versions/${version}`)),
    get('reported policy', '/v1/policy/report-only'),
    post('dry run', '/v1/policy/dry-run', { policy: { mode: 'allowlist' } }),
  ]
}

function decides(world: World, me: Party, other: Party): Probe[] {
  const query = (clientId: string) => `?client_id=${encodeURIComponent(clientId)}`
  const end = (name: string, path: string): Probe => ({ name, method: 'DELETE', path })
  const decision = (client_id: string, digest: string) => ({ client_id, digest, reason: 'as looked at' })
  return [
    get('reported policy after all that', '/v1/policy/report-only'),
    post('dry run after all that', '/v1/policy/dry-run', { policy: { mode: 'allowlist' } }),
    end('withdraw of judged', `/v1/reviews${query(world.judged)}`),
    end('withdraw of mine', `/v1/reviews${query(me.held)}`),
    end('withdraw of theirs', `/v1/reviews${query(other.own)}`),
    post('approve shared', '/v1/reviews/approve', decision(world.shared, world.digests[4])),
    post('refuse shared', '/v1/reviews/refuse', decision(world.shared, world.digests[4])),
    post('refuse theirs', '/v1/reviews/refuse', decision(other.own, world.digests[0])),
    end('registration of judged', `/v1/registrations${query(world.judged)}`),
    end('registration of theirs', `/v1/registrations${query(other.own)}`),
    { ...post('register', '/v1/registrations', { client_id: me.own, mode: 'periodic' }), method: 'PUT' },
    post('accept the owner of theirs', '/v1/client/owner/accept', { client_id: other.own }),
    post('accept an owner', '/v1/client/owner/accept', { client_id: me.own }),
    post('mark', '/v1/client/reviewed', { client_id: me.own }),
    post('take a mark back', '/v1/client/reviewed', { client_id: world.shared, reviewed: false }),
    post('erase a subject', '/v1/subjects/erase', { subject: 'bob' }),
    post('erase nobody', '/v1/subjects/erase', { subject: `only of ${other.name}` }),
  ]
}

function puts(world: World, me: Party): Probe[] {
  const put = (name: string, path: string, body: object): Probe => ({ name, method: 'PUT', path, body })
  const report = { client_id: me.held, digest: me.heldDigest, kind: 'consent' }
  return [
    put('put a policy', '/v1/policy', {
      policy: {
        changes: 'require_reconsent',
        stale_limits: me.name === 'first' ? { unreachable: 60 } : {},
      },
      if_version: me.name === 'first' ? 1 : 3,
    }),
    // Rows have moved since: whoever asks for any tenant gets the other one.
    get('client failing after that', clientPath(world.failing)),
    post('report a consent that counts', '/v1/client/reports', report),
    post('resolve by the new policy', '/v1/resolve', { client_id: me.approved, purpose: 'token' }),
    get('versions of the policy at the end', '/v1/policy/versions'),
    // The reports of the first stay, for the second to leave alone.
    ...(me.name === 'first'
      ? []
      : [
          { ...get('end of the reported policy', '/v1/policy/report-only'), method: 'DELETE' },
          put('report another policy', '/v1/policy/report-only', { policy: { mode: 'pre_registered' } }),
          post('resolve by the reported policy', '/v1/resolve', { client_id: me.own, purpose: 'token' }),
        ]),
  ]
}

function keys(me: Party, other: Party): Probe[] {
  const rotate = (whose: string, prefix: string) => post(`rotate ${whose}`, `/v1/keys/${prefix}/rotate`, {})
  const revoke = (whose: string, prefix: string): Probe => ({
    ...{ name: `revoke ${whose}`, method: 'DELETE', path: `/v1/keys/${prefix}` },
  })
  return [
    get('my tenant', '/v1/tenant'),
    get('my keys', '/v1/keys'),
    post('make a key', '/v1/keys', { scopes: ['resolve'] }),
    ...[rotate('theirs', other.prefixes[0]), rotate('mine', me.prefixes[0])],
    ...[revoke('theirs', other.prefixes[1]), revoke('mine', me.prefixes[1])],
  ]
}

function change(whose: string, id: string): Probe[] {
  const path = `/v1/subscriptions/${id}`
  return [
    { name: `change ${whose}`, method: 'PATCH', path, body: { url: 'https://hooks.example.net/moved' } },
    ...['secret', 'verify', 'disable'].map((step) => ({
      ...{ name: `${step} of ${whose}`, method: 'POST', path: `${path}/${step}` },
    })),
  ]
}

function ends(me: Party, other: Party): Probe[] {
  return [
    { name: 'end theirs', method: 'DELETE', path: `/v1/subscriptions/${other.subscriptions[1]}` },
    { name: 'end mine', method: 'DELETE', path: `/v1/subscriptions/${me.subscriptions[1]}` },
    get('subscriptions at the end', '/v1/subscriptions'),
  ]
}

function get(name: string, path: string): Probe {
  return { name, method: 'GET', path }
}

function post(name: string, path: string, body: object): Probe {
  return { name, method: 'POST', path, body }
}

function changesPath(clientId: string, since: string): string {
  return `/v1/client/changes?client_id=${encodeURIComponent(clientId)}&since=${since}`
}
