import { type ClientIdUrl, type FailureCode, type NamedResource, parseClientIdUrl } from '@cimd/core'
import { recordAttempt, setApproval } from '@cimd/store'
import { sql } from 'kysely'
import { failedRecord, type TestStore, validRecord } from '../integration/store-bundle.ts'

let used = 0

/** A client_id of which nobody has heard, as long as every other one of these. */
export function freshClientId(): ClientIdUrl {
  used += 1
  const parsed = parseClientIdUrl(
    `https://of-others.example.net/${String(used).padStart(6, '0')}/client.json`,
  )
  if (!parsed.ok) throw new Error('an identifier of the test is none')
  return parsed.value
}

const NAMED: readonly NamedResource[] = [
  { kind: 'jwks', url: 'https://of-others.example.net/jwks', host: 'of-others.example.net' },
  { kind: 'logo', url: 'https://of-others.example.net/logo.png', host: 'of-others.example.net' },
]

/** What may have become of a client that the other tenant uses and the asking one does not. */
export const USED_BY_ANOTHER: Readonly<
  Record<string, (store: TestStore, clientId: ClientIdUrl) => Promise<unknown>>
> = {
  'is wanted, and never was fetched': async (store, clientId) => demand(store, clientId),
  'is valid': valid,
  'has versions': async (store, clientId) => {
    await valid(store, clientId)
    await valid(store, clientId, 'Another name')
  },
  'is approved': async (store, clientId) => {
    const digest = await valid(store, clientId)
    await setApproval(store.owner, { tenantId: store.otherTenant, clientId, digest })
  },
  'names keys and a logo': async (store, clientId) => {
    const { client } = await demand(store, clientId)
    const record = validRecord(await store.claim(client), {
      jwks_uri: NAMED[0]?.url,
      logo_uri: NAMED[1]?.url,
    })
    await recordAttempt(store.fetcher, { ...record, resources: NAMED })
  },
  'never was valid': async (store, clientId) => fail(store, clientId, 'json_invalid'),
  'cannot be reached': async (store, clientId) => failAfter(store, clientId, 'timeout_connect'),
  'is withdrawn': async (store, clientId) => failAfter(store, clientId, 'status_404'),
  'is in quarantine': async (store, clientId) => {
    await valid(store, clientId)
    await sql`update cimd.clients set quarantined_since = cimd.cimd_now(), quarantined_until = cimd.cimd_now() + interval '1 hour'
      where client_id = ${clientId}`.execute(store.owner)
  },
  'was left long ago': async (store, clientId) => {
    await valid(store, clientId)
    await sql`update cimd.clients set dormant_since = cimd.cimd_now() where client_id = ${clientId}`.execute(
      store.owner,
    )
  },
}

function demand(store: TestStore, clientId: ClientIdUrl) {
  return store.demand(clientId, { tenant: store.otherTenant, forced: true })
}

/** The digest of the version. */
async function valid(store: TestStore, clientId: ClientIdUrl, name = 'A client'): Promise<string> {
  const { client } = await demand(store, clientId)
  const record = validRecord(await store.claim(client), { client_name: name })
  await recordAttempt(store.fetcher, record)
  return record.newVersion?.digest ?? ''
}

async function failAfter(store: TestStore, clientId: ClientIdUrl, code: FailureCode): Promise<void> {
  await valid(store, clientId)
  await fail(store, clientId, code)
}

async function fail(store: TestStore, clientId: ClientIdUrl, code: FailureCode): Promise<void> {
  const { client } = await demand(store, clientId)
  await recordAttempt(store.fetcher, failedRecord(await store.claim(client), code))
}
