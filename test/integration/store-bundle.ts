import {
  type ClientIdUrl,
  type FailureCode,
  type FetchEvidence,
  judgeAttempt,
  parseClientIdUrl,
  sha256Hex,
} from '@cimd/core'
import {
  type AttemptRecord,
  type Claim,
  claimClient,
  closeDb,
  type Db,
  type Demand,
  dangerouslySetClockOffset,
  ensureTenant,
  findClient,
  openDb,
  type RaisedDemand,
  type RecordedAttempt,
  raiseDemand,
  recordAttempt,
  type StoreRole,
  touchInterest,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { documentOf } from '../harness/documents.ts'
import type {} from '../harness/global-setup.ts'
import { createDatabase, type TestDatabase } from '../harness/postgres.ts'

/** A store of one test: a copy of the migrated database, with a pool per role. */
export type TestStore = Awaited<ReturnType<typeof setup>>

export type DemandOptions = Partial<Pick<Demand, 'forced' | 'urgent'>> & {
  readonly tenant?: string
  /** What happens between the reading of the record and the demand. */
  readonly afterReading?: () => Promise<void>
}

/** Crowds of connections and rows in the ten thousands are worth more than a service may take on a busy machine. */
const PATIENT = { connectTimeoutMs: 30_000, statementTimeoutMs: 60_000 }

/** A suite that needs a Postgres; skipped with the reason where there is none. */
export function describeStore(name: string, suite: () => void): void {
  const server = inject('postgres')
  if (server.kind === 'missing') describe.skip(`${name} (${server.how})`, suite)
  else describe(name, suite)
}

/** The server the tests may make databases on. */
export function adminUrl(): string {
  const server = inject('postgres')
  if (server.kind === 'missing') throw new Error(server.how)
  return server.url
}

/** Two tenants on a fresh store, or on a migrated database that goes with it, and what the services do with it in one call each. */
export async function setup(
  options: { readonly connectionsMax?: number; readonly database?: TestDatabase } = {},
) {
  const stack = new AsyncDisposableStack()
  const pools: Db[] = []
  const database = options.database ?? (await createDatabase(adminUrl(), { template: inject('template') }))
  let dropping = false
  stack.defer(() => {
    dropping = true
    return database.drop()
  })
  const open = (role?: StoreRole, connectionsMax = options.connectionsMax ?? 10): Db => {
    // A closed pool says goodbye without waiting, so dropping the database may cut a last connection short.
    const onError = (error: Error) => dropping || console.error(role, error)
    const db = openDb({ url: database.url, connectionsMax, onError, ...PATIENT, ...(role && { role }) })
    stack.defer(() => closeDb(db))
    pools.push(db)
    return db
  }
  const owner = open()
  const [api, fetcher, scheduler] = [open('cimd_api'), open('cimd_fetcher'), open('cimd_scheduler')]
  const [notifier, operator] = [open('cimd_notifier'), open('cimd_operator')]
  const tenant = await ensureTenant(owner, 'first')
  const otherTenant = await ensureTenant(owner, 'second')

  const demand = (clientId: ClientIdUrl, given: DemandOptions = {}): Promise<RaisedDemand> =>
    withTenant(api, given.tenant ?? tenant, async (trx) => {
      const view = await findClient(trx, clientId)
      await given.afterReading?.()
      const raised = await raiseDemand(trx, view, demandOf(clientId, given))
      await touchInterest(trx, raised.client)
      return raised
    })
  const claim = async (client: string): Promise<Claim> => {
    const claimed = await claimClient(fetcher, client, CLAIM_LEASE_SECONDS)
    if (claimed === undefined) throw new Error(`client ${client} cannot be claimed`)
    return claimed
  }
  return {
    url: database.url,
    open,
    owner,
    api,
    fetcher,
    scheduler,
    notifier,
    operator,
    tenant,
    otherTenant,
    demand,
    claim,
    /** Demands, claims and records one attempt. */
    fetch: async (clientId: ClientIdUrl, recordOf = validRecord): Promise<RecordedAttempt> => {
      const { client } = await demand(clientId)
      return recordAttempt(fetcher, recordOf(await claim(client)))
    },
    /** The client as the database has it, for what no view shows. */
    row: (client: string) =>
      owner
        .selectFrom('cimd.clients')
        .select(['state', 'wanted', 'urgent', 'forced', 'done', 'claimed', 'claim_token'])
        .select(['deferred_until', 'version_id', 'etag', 'last_modified', 'failure_code', 'event_seq'])
        .where('id', '=', client)
        .executeTakeFirstOrThrow(),
    moveClock: (seconds: number) => dangerouslySetClockOffset(owner, seconds),
    /** Resolves once `count` connections of this database wait for a lock. */
    untilBlocked: async (count = 1): Promise<void> => {
      for (let blocked = 0; blocked < count; ) {
        const { rows } = await sql<{ n: number }>`select count(*) as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(owner)
        blocked = rows[0]?.n ?? 0
      }
    },
    /** Closes every connection, so that the database can be copied. */
    disconnect: async (): Promise<void> => void (await Promise.all(pools.map(closeDb))),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** One store for a suite whose tests leave nothing behind that another could notice. */
export function shareStore(): () => TestStore {
  let store: TestStore | undefined
  beforeAll(async () => {
    store = await setup()
  })
  afterAll(() => store?.[Symbol.asyncDispose]())
  return () => {
    if (store === undefined) throw new Error('the shared store is there from beforeAll on')
    return store
  }
}

/** As the fetcher has it. */
export const CLAIM_LEASE_SECONDS = 8

let identified = 0

/** A client identifier URL nobody used before, or the one given. */
export function identify(given?: string): ClientIdUrl {
  identified += 1
  const parsed = parseClientIdUrl(given ?? `https://client.example.net/oauth/${identified}/client.json`)
  if (!parsed.ok) throw new Error(`${given}: ${parsed.code}`)
  return parsed.value
}

export function demandOf(clientId: ClientIdUrl, given: DemandOptions = {}): Demand {
  const { forced = false, urgent = true } = given
  return { clientId, host: new URL(clientId).hostname, forced, urgent, lookAgainInSeconds: 5 }
}

/** What a fetch would record that found a valid document; one that differs from the current is a new version. */
export function validRecord(claim: Claim, members: Record<string, unknown> = {}): AttemptRecord {
  const body = Buffer.from(JSON.stringify(documentOf(claim.clientId, members)))
  const digest = sha256Hex(body)
  const before = claim.version?.digest
  const isNew = before !== digest
  const freshness = {
    freshForSeconds: 3600,
    staleWhileRevalidateSeconds: 60,
    staleIfErrorSeconds: undefined,
    staleForbidden: false,
  }
  const changes = isNew && before ? [{ ...CHANGE, after: String(members['client_name']) }] : []
  const outcome = { kind: 'valid', digest, freshness, changes } as const
  const finishedAt = finishOf(claim)
  return {
    ...judgeAttempt(claim.standing, outcome, finishedAt, 0),
    claim,
    finishedAt,
    outcome: isNew ? 'fetched' : 'not_modified',
    evidence: EVIDENCE,
    ...(isNew && { newVersion: { body, digest, contentType: 'application/json', rulesVersion: 1 } }),
  }
}

/** What a fetch would record that failed. */
export function failedRecord(
  claim: Claim,
  code: FailureCode,
  asked: { readonly retryAfterSeconds?: number } = {},
): AttemptRecord {
  const finishedAt = finishOf(claim)
  return {
    ...judgeAttempt(claim.standing, { kind: 'failed', code, ...asked }, finishedAt, 0, claim.brake),
    claim,
    finishedAt,
    outcome: 'failed',
    failure: { code, detail: 'as the test wants it' },
    evidence: EVIDENCE,
  }
}

const CHANGE = { member: 'client_name', class: 'display', before: 'A client' } as const
export const EVIDENCE: FetchEvidence = {
  phase: 'body',
  addresses: ['192.0.2.1'],
  status: 200,
  bodyBytes: 100,
  times: { totalMs: 50 },
}

function finishOf({ claimedAt }: Claim): Date {
  return new Date(claimedAt.getTime() + 50)
}

/** Lets work go on once opened; what waits meanwhile holds its locks. */
export function createGate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
