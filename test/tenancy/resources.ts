import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { parseTrustPolicy, policyDigest } from '@cimd/core'
import {
  clearReportPolicy,
  createApiKey,
  createSubscription,
  ensureTenant,
  issueTicket,
  notePseudonym,
  putRegistration,
  putReportPolicy,
  recordAttempt,
  setApproval,
  type Transaction,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { chainAll, decided, noteAs } from '../integration/audit-bundle.ts'
import { identify, type TestStore, validRecord } from '../integration/store-bundle.ts'
import { seeDomain } from './domain.ts'
import { digestOf, type Resource, type Whose } from './routes.ts'

const BY = { kind: 'key', id: 'matrix' } as const

type Make = (store: TestStore, tenant: string) => Promise<string>

/** The name of a resource of one of the tenants, made anew; of nobody's one that there is not. */
export async function nameOf(store: TestStore, about: Resource, whose: Whose): Promise<string> {
  if (about === 'nothing') return ''
  if (about === 'reported policy')
    await withTenant(store.api, store.tenant, (trx) => clearReportPolicy(trx, BY))
  if (whose === 'nobody') return NOBODYS[about]()
  // An operator's tenants are its own, every one.
  if (about === 'tenant' && whose === 'other') return NOBODYS.tenant()
  return MAKE[about](store, whose === 'own' ? store.tenant : store.otherTenant)
}

const version = () => String(randomInt(1_000_000_000, 2_000_000_000))

const NOBODYS: Readonly<Record<Exclude<Resource, 'nothing'>, () => string>> = {
  client: identify,
  'decided client': identify,
  'registered client': identify,
  'audited client': identify,
  ticket: randomUUID,
  subscription: randomUUID,
  key: () => randomBytes(6).toString('hex'),
  'policy version': version,
  'reported policy': () => '',
  subject: randomUUID,
  tenant: randomUUID,
}

const MAKE: Readonly<Record<Exclude<Resource, 'nothing'>, Make>> = {
  client: async (store, tenant) => (await makeClient(store, tenant)).clientId,
  'decided client': async (store, tenantId) => {
    const { clientId } = await makeClient(store, tenantId)
    await setApproval(store.owner, { tenantId, clientId, digest: digestOf(clientId) })
    return clientId
  },
  'registered client': async (store, tenant) => {
    const { clientId, client } = await makeClient(store, tenant)
    const given = { client, generation: 0, mode: 'periodic', by: BY } as const
    await withTenant(store.api, tenant, (trx) => putRegistration(trx, given))
    return clientId
  },
  'audited client': async (store, tenant) => {
    const clientId = identify()
    await noteAs(store.api, decided(tenant, clientId))
    await chainAll(store)
    return clientId
  },
  ticket: async (store, tenant) => {
    const { client } = await makeClient(store, tenant)
    return withTenant(store.api, tenant, (trx) => issueTicket(trx, client, 1))
  },
  subscription: async ({ api }, tenant) => {
    const given = { url: 'https://hooks.example.net/', filter: {}, after: undefined }
    const { subscription } = await withTenant(api, tenant, (trx) => createSubscription(trx, given))
    return subscription.id
  },
  key: async ({ owner }, tenant) => (await createApiKey(owner, tenant, [])).split('_')[1] ?? '',
  'policy version': async ({ owner }, tenant) => {
    const made = version()
    await sql`insert into cimd.policies (tenant_id, version, policy, digest, created_by)
      values (${tenant}, ${made}, '{}', sha256('{}'), 'matrix')`.execute(owner)
    return made
  },
  'reported policy': async ({ api }, tenant) => {
    await withTenant(api, tenant, reportOpenPolicy)
    return ''
  },
  subject: async ({ api }, tenant) => {
    const subject = randomUUID()
    await withTenant(api, tenant, (trx) => notePseudonym(trx, subject))
    return subject
  },
  tenant: async ({ owner }) => {
    const name = randomUUID()
    await ensureTenant(owner, name)
    return name
  },
}

async function makeClient(store: TestStore, tenant: string) {
  const clientId = identify()
  const { client } = await store.demand(clientId, { tenant })
  await recordAttempt(store.fetcher, validRecord(await store.claim(client)))
  await seeDomain(store, clientId)
  return { clientId, client }
}

async function reportOpenPolicy(trx: Transaction): Promise<void> {
  const parsed = parseTrustPolicy({ mode: 'open' })
  if (!parsed.ok) throw new Error('an open policy is one')
  const { policy } = parsed
  await putReportPolicy(trx, { policy, digest: policyDigest(policy), by: BY })
}
