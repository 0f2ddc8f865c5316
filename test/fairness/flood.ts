import { type ClientIdUrl, LOST_URGENT_WORK_SECONDS, registrableDomainOf } from '@cimd/core'
import { createProducer } from '@cimd/queue'
import { closeDb, findClient, openDb, raiseDemand, touchInterest, withTenant } from '@cimd/store'
import { sql } from 'kysely'
import type { Pipeline } from '../harness/pipeline.ts'

/** So many are demanded one by one, which takes every place there is. */
const ONE_BY_ONE = 100
/** What one statement does well within its time. */
const AT_ONCE = 2000

export type FloodTenant = { readonly tenantId: string; readonly placesMax: number }

/**
 * Demands every client for the tenant: the first as its api would that is asked for each by a user, the others, which find
 * no place, all at once as these leave them. How fast a flood can come is not what is measured.
 */
export async function flood(
  pipeline: Pick<Pipeline, 'databaseUrl' | 'queueUrl' | 'db'>,
  tenant: FloodTenant,
  clientIds: readonly ClientIdUrl[],
): Promise<void> {
  const onError = (error: Error): void => void process.stderr.write(`${error.message}\n`)
  const api = openDb({ url: pipeline.databaseUrl, role: 'cimd_api', connectionsMax: 1, onError })
  const producer = createProducer({ url: pipeline.queueUrl, role: 'cimd_api', onError })
  try {
    for (const clientId of clientIds.slice(0, ONE_BY_ONE)) {
      const { client, enqueue } = await demand(api, tenant, clientId)
      if (enqueue) await producer.enqueue('fetch', [client])
    }
    for (let at = ONE_BY_ONE; at < clientIds.length; at += AT_ONCE) {
      await standInLine(pipeline.db, tenant.tenantId, clientIds.slice(at, at + AT_ONCE))
    }
  } finally {
    await producer.close()
    await closeDb(api)
  }
}

function demand(api: Pipeline['db'], { tenantId, placesMax }: FloodTenant, clientId: ClientIdUrl) {
  return withTenant(api, tenantId, async (trx) => {
    const raised = await raiseDemand(trx, await findClient(trx, clientId), {
      ...{ clientId, host: new URL(clientId).hostname, forced: false, urgent: true, placesMax },
      lookAgainInSeconds: LOST_URGENT_WORK_SECONDS,
    })
    await touchInterest(trx, raised.client)
    return raised
  })
}

async function standInLine(
  db: Pipeline['db'],
  tenantId: string,
  clientIds: readonly ClientIdUrl[],
): Promise<void> {
  const hosts = clientIds.map((clientId) => new URL(clientId).hostname)
  const domains = hosts.map((host) => registrableDomainOf(host))
  await sql`
    with client as (
      insert into cimd.clients (client_id, host, domain, wanted, urgent)
      select client_id, host, domain, 1, 1
      from unnest(${clientIds}::text[], ${hosts}::text[], ${domains}::text[]) as c (client_id, host, domain)
      returning id
    ), scheduled as (
      insert into cimd.schedule (client_ref, due_at, urgent_since)
      select id, cimd.cimd_now() + interval '10 minutes', cimd.cimd_now() from client
    ), interest as (
      insert into cimd.interest (tenant_id, client_ref, since_seq, since_version_id, since_generation, first_demand_at,
        last_resolved_at, leased_until)
      select ${tenantId}, id, 0, 0, 0, cimd.cimd_now(), cimd.cimd_now(), cimd.cimd_now() + interval '30 days' from client
    )
    insert into cimd.fetch_places (client_ref, tenant_id, ready_at) select id, ${tenantId}, cimd.cimd_now() from client`.execute(
    db,
  )
}
