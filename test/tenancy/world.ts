import { loadConfig, startApi } from '@cimd/api'
import { type ClientIdUrl, effectiveDocument, readStoredDocument } from '@cimd/core'
import { prepareQueueStore } from '@cimd/queue'
import {
  createApiKey,
  createSubscription,
  issueTicket,
  noteEffectiveDocument,
  recordAttempt,
  reportBinding,
  setApproval,
  setStaleLimits,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { identify, type TestStore, validRecord } from '../integration/store-bundle.ts'
import { tellSubscriptions } from '../integration/subscription-bundle.ts'
import { addFacts, PLACES_MAX, QUOTAS } from './world-facts.ts'

/** One of the two tenants, with what is its own. */
export type Party = {
  readonly name: 'first' | 'second'
  readonly tenant: string
  readonly key: string
  /** A client that nobody else uses. */
  readonly own: ClientIdUrl
  /** Clients that both use: approved by this tenant alone; and approved by both alike, but given to this one alone so far. */
  readonly approved: ClientIdUrl
  readonly held: ClientIdUrl
  readonly heldDigest: string
  /** A client that this one alone waits for. */
  readonly awaited: ClientIdUrl
  readonly ticket: string
  readonly subscriptions: readonly [string, string]
  /** Prefixes of two keys that nobody uses. */
  readonly prefixes: readonly [string, string]
}

/** Two tenants that share clients, and have each their own of everything. */
export type World = {
  readonly parties: { readonly first: Party; readonly second: Party }
  /** Used by both, approved by both in two versions of the same bytes. */
  readonly shared: ClientIdUrl
  /** Digests of the versions of the shared client. */
  readonly digests: readonly [string, string, string, string, string]
  /** Used by both, and out of reach, which one tenant puts up with for longer than the other. */
  readonly failing: ClientIdUrl
  /** Used by both; one has refused it, and both have registered it, each in its own way. */
  readonly judged: ClientIdUrl
  readonly builtAt: Date
  /** How many clients each tenant uses. */
  readonly clientsEach: number
}

const ALL_SCOPES = ['resolve', 'events', 'policy', 'audit', 'admin', 'demand_without_subject']
const CALLBACK = (name: string) => `https://app.example.net/${name}`
const WIDE = { redirect_uris: ['a', 'b'].map(CALLBACK) }
const NARROW = { redirect_uris: ['b', 'c'].map(CALLBACK) }
const [SHARED, FAILING, JUDGED] = [
  'https://shared.example.net/client.json',
  'https://failing.example.net/client.json',
  'https://judged.example.net/client.json',
] as const

/** Fills a store with two tenants, as the services would have, and says what is there. */
export async function buildWorld(store: TestStore): Promise<World> {
  const { tenant, otherTenant, url } = store
  await prepareQueueStore(url, { grantTo: ['cimd_api'] })
  const subscriptions = { first: await subscribe(store, tenant), second: await subscribe(store, otherTenant) }
  const digests = await shareClient(store)
  await failClient(store)
  const judged = identify(JUDGED)
  await publishTwice(store, judged, [tenant, otherTenant], [])
  const drafts = {
    first: await draftParty(store, 'first', tenant, otherTenant),
    second: await draftParty(store, 'second', otherTenant, tenant),
  }
  await tellSubscriptions(store)
  await addFacts(store, { ...drafts, shared: identify(SHARED), failing: identify(FAILING), judged })
  await age(store)
  const rows = await sql<{ now: Date; clients: number }>`
    select cimd.cimd_now() as now, count(*) as clients from cimd.interest where tenant_id = ${tenant}`.execute(
    store.owner,
  )
  const [{ now, clients } = { now: new Date(0), clients: 0 }] = rows.rows
  return {
    parties: {
      first: { ...drafts.first, subscriptions: subscriptions.first },
      second: { ...drafts.second, subscriptions: subscriptions.second },
    },
    ...{
      shared: identify(SHARED),
      failing: identify(FAILING),
      judged,
      digests,
      builtAt: now,
      clientsEach: clients,
    },
  }
}

// The first sees its versions from its beginning, the second from the third on; the second and the fourth are the same bytes.
async function shareClient(store: TestStore): Promise<World['digests']> {
  const shared = identify(SHARED)
  const publish = (members: object) => store.fetch(shared, (claim) => validRecord(claim, { ...members }))
  await publish({ ...WIDE, client_name: 'One' })
  await publish(WIDE)
  const [, second] = await versionsOf(store, shared)
  const approval = { clientId: shared, digest: second?.digest ?? '' }
  await setApproval(store.owner, { tenantId: store.tenant, ...approval })
  await publish({ ...WIDE, client_name: 'Three' })
  await store.demand(shared, { tenant: store.otherTenant })
  await publish(WIDE)
  await setApproval(store.owner, { tenantId: store.otherTenant, ...approval })
  await publish({ ...NARROW, client_name: 'Five' })
  const [one = '', two = '', three = '', four = '', five = ''] = (await versionsOf(store, shared)).map(
    ({ digest }) => digest,
  )
  return [one, two, three, four, five]
}

async function failClient(store: TestStore): Promise<void> {
  const failing = identify(FAILING)
  await store.demand(failing, { tenant: store.otherTenant })
  await store.fetch(failing)
  await sql`
    update cimd.clients set state = 'failing', failure_code = 'timeout_connect',
      failing_since = cimd.cimd_now() - interval '10 minutes', fresh_until = cimd.cimd_now() - interval '10 minutes',
      revalidate_until = cimd.cimd_now() - interval '9 minutes', usable_until = cimd.cimd_now() + interval '1 day'
    where client_id = ${failing}`.execute(store.owner)
  await setStaleLimits(store.owner, 'first', { unreachable: 60 })
}

async function draftParty(
  store: TestStore,
  name: Party['name'],
  tenant: string,
  other: string,
): Promise<Omit<Party, 'subscriptions'>> {
  const own = identify(`https://own-${name}.example.net/client.json`)
  const approved = identify(`https://approved-${name}.example.net/client.json`)
  const held = identify(`https://held-${name}.example.net/client.json`)
  const { client } = await store.demand(own, { tenant })
  await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
  const awaited = identify(`https://awaited-${name}.example.net/client.json`)
  await store.demand(awaited, { tenant })
  await publishTwice(store, approved, [tenant, other], [tenant])
  await publishTwice(store, held, [tenant, other], [tenant, other])
  // What it publishes last it has published before.
  await store.fetch(held, (claim) => validRecord(claim, { ...NARROW, client_name: 'Between' }))
  await store.fetch(held, (claim) => validRecord(claim, NARROW))
  await reportConsent(store, tenant, approved)
  return {
    ...{ name, tenant, own, awaited, approved, held, heldDigest: await giveEffective(store, tenant, held) },
    key: await createApiKey(store.owner, tenant, ALL_SCOPES),
    prefixes: [await makePrefix(store, tenant), await makePrefix(store, tenant)],
    ticket: await withTenant(store.api, tenant, (trx) => issueTicket(trx, client, 1)),
  }
}

async function makePrefix({ owner }: TestStore, tenant: string): Promise<string> {
  const key = await createApiKey(owner, tenant, ['resolve'])
  return key.split('_')[1] ?? ''
}

/** Two versions that differ both ways; the first of them is approved. */
async function publishTwice(
  store: TestStore,
  clientId: ClientIdUrl,
  using: readonly string[],
  approving: readonly string[],
): Promise<void> {
  for (const tenant of using) await store.demand(clientId, { tenant })
  await store.fetch(clientId, (claim) => validRecord(claim, WIDE))
  const [first] = await versionsOf(store, clientId)
  for (const tenantId of approving) {
    await setApproval(store.owner, { tenantId, clientId, digest: first?.digest ?? '' })
  }
  await store.fetch(clientId, (claim) => validRecord(claim, NARROW))
}

/** Notes for one tenant what the approved version and the current one both allow. */
async function giveEffective(store: TestStore, tenant: string, clientId: ClientIdUrl): Promise<string> {
  const [approved, current] = await versionsOf(store, clientId)
  if (approved === undefined || current === undefined) throw new Error(`${clientId} has two versions`)
  const [first, second] = [approved, current].map(({ body }) => {
    const read = readStoredDocument({ body, rulesVersion: 1 }, clientId)
    if (!read.ok) throw new Error(`the documents of ${clientId} are valid`)
    return read.metadata
  })
  const digest = first && second && effectiveDocument(first, second).digest
  if (digest === undefined) throw new Error('what both allow is neither of them')
  const given = { clientId, digest, approvedDigest: approved.digest, currentDigest: current.digest }
  await withTenant(store.api, tenant, (trx) => noteEffectiveDocument(trx, given))
  return digest
}

async function reportConsent(store: TestStore, tenant: string, clientId: ClientIdUrl): Promise<void> {
  const client = await rowIdOf(store, clientId)
  const [, current] = await versionsOf(store, clientId)
  const report = { client, digest: current?.digest ?? '', kind: 'consent', leaseSeconds: 3600 } as const
  await withTenant(store.api, tenant, (trx) => reportBinding(trx, report))
}

async function subscribe({ api }: TestStore, tenant: string): Promise<Party['subscriptions']> {
  const make = (path: string) =>
    withTenant(api, tenant, (trx) =>
      createSubscription(trx, { url: `https://hooks.example.net/${path}`, filter: {}, after: undefined }),
    )
  const [first, second] = [await make('one'), await make('two')]
  return [first.subscription.id, second.subscription.id]
}

async function rowIdOf({ owner }: TestStore, clientId: ClientIdUrl): Promise<string> {
  const { id } = await owner
    .selectFrom('cimd.clients')
    .select(sql<string>`id::text`.as('id'))
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow()
  return id
}

/** The versions of a client, the oldest first. */
async function versionsOf(
  { owner }: TestStore,
  clientId: ClientIdUrl,
): Promise<readonly { readonly digest: string; readonly body: Buffer }[]> {
  const { rows } = await sql<{ digest: string; body: Buffer }>`
    select encode(digest, 'hex') as digest, body from cimd.versions where client_id = ${clientId} order by id`.execute(
    owner,
  )
  return rows
}

// What is done at most once a minute is due, however soon after the building somebody asks.
async function age({ owner }: TestStore): Promise<void> {
  await sql`update cimd.interest set last_resolved_at = last_resolved_at - interval '1 hour'`.execute(owner)
  await sql`update cimd.clients set attempted_at = attempted_at - interval '1 hour'`.execute(owner)
}

/** The api on a copy of the world; each tenant has room for little more than its own. */
export function serveWorld(store: TestStore, world: World) {
  return startOn(store.url, {
    CIMD_CLIENTS_PER_TENANT_MAX: String(world.clientsEach + 3),
    CIMD_TENANT_FETCHES_MAX: String(PLACES_MAX),
    ...QUOTAS,
    CIMD_SUBSCRIPTIONS_PER_TENANT_MAX: '3',
  })
}

async function startOn(url: string, environment: Readonly<Record<string, string>>) {
  const given = { CIMD_DATABASE_URL: url, CIMD_QUEUE_URL: url, CIMD_API_PORT: '0', CIMD_LOG_LEVEL: 'silent' }
  const api = await startApi(loadConfig({ ...given, ...environment }))
  return { baseUrl: `http://127.0.0.1:${api.port}`, [Symbol.asyncDispose]: () => api.stop() }
}
