import { registrableDomainOf } from '@cimd/core'
import { sql } from 'kysely'
import type { TestStore } from '../integration/store-bundle.ts'

/** The domain of a client as the fetcher has it once it has seen a document there; in its second era, if it `changedHands`. */
export async function seeDomain(
  { owner }: TestStore,
  clientId: string,
  { changedHands = false }: { readonly changedHands?: boolean } = {},
): Promise<void> {
  const at = new Date().toISOString()
  const era = changedHands ? 2 : 1
  const standing = { era, eraSince: at, lastSeenAt: at, settled: {} }
  const domain = registrableDomainOf(new URL(clientId).hostname)
  await sql`
    insert into cimd.domains (domain, era, standing, changed_at, former_seen_at)
    select ${domain}, ${era}, ${JSON.stringify(standing)}::jsonb, t.at, t.at
    from (select case when ${changedHands} then cimd.cimd_now() end as at) t
    on conflict do nothing`.execute(owner)
}
