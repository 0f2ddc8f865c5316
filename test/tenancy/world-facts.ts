import { createHmac } from 'node:crypto'
import { parseTrustPolicy, policyDigest, sha256Hex } from '@cimd/core'
import {
  markReviewed,
  putPolicy,
  putRegistration,
  putReportPolicy,
  refuseClient,
  type Transaction,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { chainAll, decided, noteAs } from '../integration/audit-bundle.ts'
import type { TestStore } from '../integration/store-bundle.ts'
import { seeDomain } from './domain.ts'
import type { Party, World } from './world.ts'

type Draft = Omit<Party, 'subscriptions'>
type Clients = Pick<World, 'shared' | 'failing' | 'judged'>

/** The first has six places with the fetchers and the second has seven, so that each takes those that are left. */
export const PLACES_MAX = 9
/** Each tenant has used up some of them. */
const CONTACTS_USED = 10
export const QUOTAS = { CIMD_TENANT_CONTACTS_PER_HOUR: String(CONTACTS_USED + 8) }

/** As many as one tenant may have reported of one policy. */
const REPORTED_MAX = 1000

/** What both have of the same things, each differently: policies, decisions, registrations, users, marks, places and an audit. */
export async function addFacts(
  store: TestStore,
  world: Clients & { readonly first: Draft; readonly second: Draft },
): Promise<void> {
  const { first, second } = world
  await seeDomain(store, world.shared, { changedHands: true })
  await sql`insert into cimd.domain_eras (tenant_id, domain, era) values (${first.tenant}, 'example.net', 2)`.execute(
    store.owner,
  )
  // The first's row comes last, so that whoever asks for any gets the second's.
  for (const me of [second, first]) {
    await withTenant(store.api, me.tenant, (trx) => decide(trx, me, world))
    await count(store, me, world.shared)
    await audit(store, me)
    await review(store, me)
    await settle(store, me, world.failing)
  }
  await register(store, first, world.judged, 'periodic')
  const client = await register(store, second, world.judged, 'manual')
  const refusal = { client, by: actorOf(second), reason: 'It is not needed.' }
  await withTenant(store.api, second.tenant, (trx) => refuseClient(trx, refusal))
  await pin(store, second, world.judged, 0)
  await agreeToNewest(store, second, world.shared)
  for (const me of [first, second]) {
    await register(store, me, me.held, 'manual')
    await pin(store, me, me.held, 1)
  }
  await rename(store, [first, second])
  await takePlaces(store, [first, second], world.failing)
  await reportMany(store, first)
  await report(store, second, world.shared)
}

// The same number of the reported policy, and one version more of the second.
async function decide(trx: Transaction, me: Draft, { shared, second }: Clients & { readonly second: Draft }) {
  const block = (...hosts: readonly string[]) => ({ block: hosts.map((host) => ({ host })) })
  const stale = me.name === 'first' && { stale_limits: { unreachable: 60 } }
  await putPolicy(trx, policyOf({ ...block(`blocked-by-${me.name}.example.net`), ...stale }))
  await putReportPolicy(trx, policyOf(block(new URL(shared).hostname, new URL(second.approved).hostname)))
  if (me.name === 'second') await putPolicy(trx, policyOf(block('blocked-later.example.net')))
}

function actorOf({ name }: Draft) {
  return { kind: 'key', id: name } as const
}

function policyOf(written: object) {
  const parsed = parseTrustPolicy(written)
  if (!parsed.ok) throw new Error('the policies of the world are policies')
  const { policy } = parsed
  return { policy, digest: policyDigest(policy), by: { kind: 'key', id: 'world' } as const }
}

/** Numbers that are other ones for each, and marks of other times. */
async function count(store: TestStore, me: Draft, shared: string): Promise<void> {
  const users = me.name === 'first' ? 3 : 5
  await sql`
    insert into cimd.client_reputation (tenant_id, client_ref, domain, subjects, first_seen, last_seen)
    select ${me.tenant}, id, domain, ${users}, cimd.cimd_now(), cimd.cimd_now() from cimd.clients
    where client_id = ${shared}`.execute(store.owner)
  await sql`
    insert into cimd.domain_reputation (tenant_id, domain, subjects, clients, first_seen, last_seen)
    values (${me.tenant}, 'example.net', ${users + 10}, ${users}, cimd.cimd_now(), cimd.cimd_now())`.execute(
    store.owner,
  )
  await sql`
    insert into cimd.quota_windows (tenant_id, quota, holder, started_at, used)
    select ${me.tenant}, 'contacts', '\\xff', date_bin('1 hour', cimd.cimd_now(), timestamptz 'epoch') + hours, ${CONTACTS_USED}
    from unnest(array[interval '0', interval '1 hour']) as hours`.execute(store.owner)
  await withTenant(store.api, me.tenant, async (trx) => {
    const by = { tenantId: me.tenant, actor: actorOf(me) }
    await markReviewed(trx, { kind: 'client', name: shared }, by)
    await markReviewed(trx, { kind: 'domain', name: 'example.net' }, by)
  })
}

async function audit(store: TestStore, me: Draft): Promise<void> {
  const clients = me.name === 'first' ? [me.own, me.held] : [me.own]
  await noteAs(store.api, ...clients.map((clientId) => decided(me.tenant, clientId)))
  await chainAll(store)
}

async function register(
  store: TestStore,
  me: Draft,
  clientId: string,
  mode: 'manual' | 'periodic',
): Promise<string> {
  const { id } = await store.owner
    .selectFrom('cimd.clients')
    .select(sql<string>`id::text`.as('id'))
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow()
  await withTenant(store.api, me.tenant, (trx) =>
    putRegistration(trx, { client: id, mode, generation: 0, by: actorOf(me) }),
  )
  return id
}

async function review(store: TestStore, me: Draft): Promise<void> {
  await sql`
    insert into cimd.decisions (tenant_id, client_ref, decision, review_since)
    select ${me.tenant}, id, 'held', cimd.cimd_now() from cimd.clients where client_id = ${me.own}`.execute(
    store.owner,
  )
}

// Nobody has it judged anew but by what is about all clients of the domain.
async function settle({ owner }: TestStore, me: Draft, clientId: string): Promise<void> {
  await sql`
    insert into cimd.decisions (tenant_id, client_ref, decision)
    select ${me.tenant}, id, 'admitted' from cimd.clients where client_id = ${clientId}`.execute(owner)
}

// The oldest version is 0; as the scheduler has it once the fetch of the registration has found it.
async function pin({ owner }: TestStore, me: Draft, clientId: string, index: number): Promise<void> {
  await sql`
    update cimd.registrations g set version_id = (
      select id from cimd.versions where client_id = ${clientId} order by id offset ${index} limit 1
    )
    from cimd.clients c where c.id = g.client_ref and c.client_id = ${clientId} and g.tenant_id = ${me.tenant}`.execute(
    owner,
  )
}

// Of the version it has approved, which was published twice.
async function agreeToNewest({ owner }: TestStore, me: Draft, clientId: string): Promise<void> {
  await sql`
    insert into cimd.decisions (tenant_id, client_ref, baseline_version_id)
    select a.tenant_id, a.client_ref, a.version_id from cimd.approvals a join cimd.clients c on c.id = a.client_ref
    where a.tenant_id = ${me.tenant} and c.client_id = ${clientId}`.execute(owner)
}

// Who has the hash of another's subject has no right to it: each has what the key of the other makes of it, too.
async function rename({ owner }: TestStore, parties: readonly Draft[]): Promise<void> {
  const keys = parties.map(({ name }) => Buffer.from(sha256Hex(Buffer.from(name)), 'hex'))
  for (const [index, { tenant, name }] of parties.entries()) {
    // The first has none yet: whoever reports a user makes it.
    if (name === 'second') {
      await sql`insert into cimd.subject_keys (tenant_id, key) values (${tenant}, ${keys[index]})`.execute(
        owner,
      )
    }
    const hashes = keys.flatMap((key) =>
      ['bob', 'carol'].map((subject) => createHmac('sha256', key).update(subject).digest()),
    )
    const own = createHmac('sha256', keys[index] ?? '')
      .update(`only of ${name}`)
      .digest()
    for (const hash of [...hashes, own]) {
      await sql`insert into cimd.subjects (tenant_id, subject_hash) values (${tenant}, ${hash})`.execute(
        owner,
      )
    }
  }
}

async function takePlaces(
  { owner }: TestStore,
  [first, second]: readonly [Draft, Draft],
  failing: string,
): Promise<void> {
  const both = [first, second].flatMap(({ approved, held }) => [approved, held])
  await sql`delete from cimd.fetch_places where taken_at is not null`.execute(owner)
  const places = [
    { tenant: first.tenant, clients: [...both, first.own, first.awaited] },
    { tenant: second.tenant, clients: [...both, second.own, second.awaited, failing] },
  ]
  for (const { tenant, clients } of places) {
    await sql`
      insert into cimd.fetch_places (tenant_id, client_ref, ready_at, taken_at)
      select ${tenant}, id, cimd.cimd_now(), cimd.cimd_now() from cimd.clients
      where client_id = any(${clients}::text[])`.execute(owner)
  }
}

// One has room for no more reports, which is nothing to the other.
async function reportMany({ owner }: TestStore, me: Draft): Promise<void> {
  await sql`
    with reported as (
      insert into cimd.clients (client_id, host, domain)
      select 'https://reported.example.com/' || n || '.json', 'reported.example.com', 'example.com'
      from generate_series(1, ${REPORTED_MAX}) as n returning id
    )
    insert into cimd.policy_reports (tenant_id, client_ref, policy_version, difference, reasons)
    select ${me.tenant}, id, 2, 'newly_refused', '[]' from reported`.execute(owner)
}

async function report({ owner }: TestStore, me: Draft, clientId: string): Promise<void> {
  await sql`
    insert into cimd.policy_reports (tenant_id, client_ref, policy_version, difference, reasons)
    select ${me.tenant}, id, 2, 'newly_refused', '[]' from cimd.clients where client_id = ${clientId}`.execute(
    owner,
  )
}
