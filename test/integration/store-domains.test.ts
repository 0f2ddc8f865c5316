import type { DomainObservation } from '@cimd/core'
import { createGuardedFetch } from '@cimd/egress'
import { askRegistration, createRegistrationDeps, loadConfig } from '@cimd/fetcher'
import {
  acceptOwner,
  findClient,
  forgetDomains,
  noteChangePending,
  noteEra,
  noteNameServers,
  type OwnershipView,
  observeDomain,
  observeRegistration,
  readDomain,
  relayOutbox,
  takeRegistrationQuestion,
  withTenant,
} from '@cimd/store'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createAuthority } from '../harness/authority.ts'
import { injected, startOrigin } from '../harness/origin.ts'
import { ACTOR } from './audit-bundle.ts'
import { describeStore, identify, setup, type TestStore } from './store-bundle.ts'

const DAY_SECONDS = 86_400
const FORMER = { nameServers: ['ns1.former.example'], certificateIssuer: 'A', certificateKey: 'a'.repeat(64) }
const PRESENT = { nameServers: ['ns1.new.example'], certificateIssuer: 'B', certificateKey: 'b'.repeat(64) }

let named = 0

/** A domain of its own with clients that both tenants use, and what is seen of it. */
async function setupDomain(store: TestStore, clients = 1) {
  named += 1
  const domain = `owned-${named}.com`
  const ids = Array.from({ length: clients }, (_, at) => identify(`https://app.${domain}/${at}.json`))
  for (const clientId of ids) await store.fetch(clientId)
  const { rows } = await sql<{ now: Date; client: string }>`
    select cimd.cimd_now() as now, (select id::text from cimd.clients where client_id = ${ids[0]}) as client`.execute(
    store.owner,
  )
  const { now = new Date(), client = '' } = rows[0] ?? {}
  const see = (days: number, signals: Partial<DomainObservation> = {}) =>
    observeDomain(store.fetcher, {
      ...{ domain, client, isKnown: days > 0, nameServersAskedAt: undefined },
      observation: {
        ...{ seenAt: new Date(now.getTime() + days * DAY_SECONDS * 1000), documentsChanged: false },
        ...FORMER,
        ...signals,
      },
    })
  const viewOf = async (tenant: string, clientId = ids[0]): Promise<OwnershipView | undefined> => {
    if (clientId === undefined) throw new Error('a domain has a client')
    return (await withTenant(store.api, tenant, (trx) => findClient(trx, clientId))).ownership
  }
  return { domain, client, ids, now, see, viewOf }
}

describeStore('what is remembered of domains', () => {
  it('CHG-05: tells each client of the domain in its own order, and nobody who uses none', async () => {
    await using store = await setup()
    const { domain, ids, see } = await setupDomain(store, 2)
    const other = await setupDomain(store)
    await other.see(0)
    await see(0)
    expect(await see(10, PRESENT)).toMatchObject({ verdict: 'discontinuous' })
    const { tenants } = await relayOutbox(store.scheduler, 100)
    expect(tenants).toEqual([store.tenant])
    const { rows } = await sql<{ client_id: string; client_seq: number; data: { domain: string } }>`
      select c.client_id, o.client_seq, o.data from cimd.outbox o join cimd.clients c on c.id = o.client_ref
      where o.type = 'host.ownership_changed' order by c.id`.execute(store.owner)
    expect(rows).toEqual(
      ids.map((client_id) => ({ client_id, client_seq: 2, data: expect.objectContaining({ domain }) })),
    )
  })

  it('CHG-05: has what was seen first by one of two that come at once, and judges the other by it', async () => {
    await using store = await setup()
    const { domain, see } = await setupDomain(store)
    const seen = await Promise.all([see(0), see(0), see(0)])
    expect(seen.map(({ verdict }) => verdict)).toEqual(['continuous', 'continuous', 'continuous'])
    expect(await readDomain(store.owner, domain)).toMatchObject({ standing: { era: 1 }, eras: [] })
  })

  it('CHG-05: finds a discontinuity once, whoever sees it at once', async () => {
    await using store = await setup()
    const { domain, see } = await setupDomain(store)
    await see(0)
    const seen = await Promise.all([see(10, PRESENT), see(10, PRESENT), see(10, PRESENT)])
    expect(seen.filter(({ isNews }) => isNews)).toHaveLength(1)
    expect(await readDomain(store.owner, domain)).toMatchObject({ standing: { era: 2 } })
  })

  it('CHG-05: names the domain of a client that an older release made', async () => {
    await using store = await setup()
    const { domain, ids, see, viewOf } = await setupDomain(store)
    await sql`update cimd.clients set domain = null where client_id = ${ids[0]}`.execute(store.owner)
    await see(0)
    expect(await viewOf(store.tenant)).toMatchObject({ domain, era: 1 })
  })

  it('CHG-05: doubts what comes after keys that changed, once', async () => {
    await using store = await setup()
    const { client, see } = await setupDomain(store)
    await see(0)
    await noteChangePending(store.fetcher, client)
    expect(await see(1, PRESENT)).toMatchObject({ reasons: ['replaced_together'] })
    expect(await see(2, FORMER)).toMatchObject({ verdict: 'changed' })
  })

  it('CHG-05: doubts what comes after a change that was seen first and noted late', async () => {
    await using store = await setup()
    const { domain, see } = await setupDomain(store)
    await see(0)
    expect(await see(2, PRESENT)).toMatchObject({ verdict: 'changed' })
    expect(await see(1.9, { ...PRESENT, documentsChanged: true })).toMatchObject({ verdict: 'continuous' })
    expect(await see(2.1, PRESENT)).toMatchObject({ reasons: ['replaced_together'] })
    expect(await readDomain(store.owner, domain)).toMatchObject({ standing: { era: 2 } })
  })

  it('CHG-05: counts an absence from the first to the last time that it was found', async () => {
    await using store = await setup()
    const { domain, now, see } = await setupDomain(store)
    await see(0)
    const onDay = (day: number): Date => new Date(now.getTime() + day * DAY_SECONDS * 1000)
    await noteNameServers(store.fetcher, { domain, at: onDay(2), absent: true })
    await noteNameServers(store.fetcher, { domain, at: onDay(20), absent: false })
    await noteNameServers(store.fetcher, { domain, at: onDay(33), absent: true })
    await noteNameServers(store.fetcher, { domain: 'never-seen.com', at: onDay(2), absent: true })
    expect(await readDomain(store.owner, domain)).toMatchObject({
      standing: { absence: { from: onDay(2), to: onDay(33) } },
    })
    expect(await see(34, { certificateKey: 'c'.repeat(64) })).toMatchObject({ reasons: ['long_absence'] })
  })
})

describeStore('whom of the owners of a domain a tenant trusts', () => {
  it('CHG-05: is the one whose document it was given first, until it accepts another', async () => {
    await using store = await setup()
    const { domain, ids, see, viewOf } = await setupDomain(store)
    const [clientId] = ids
    if (clientId === undefined) throw new Error('there is one')
    const accept = (tenant: string, era?: number) =>
      withTenant(store.api, tenant, (trx) => acceptOwner(trx, { of: { clientId }, era, by: ACTOR }))
    expect(await accept(store.tenant)).toBeUndefined()
    await see(0)
    expect(await viewOf(store.tenant)).toMatchObject({ era: 1, acceptedEra: 1, isNoted: false })
    await withTenant(store.api, store.tenant, (trx) => noteEra(trx, { domain, acceptedEra: 1 }))
    await see(10, PRESENT)
    // A second answer of before writes nothing over it.
    await withTenant(store.api, store.tenant, (trx) => noteEra(trx, { domain, acceptedEra: 2 }))
    expect(await viewOf(store.tenant)).toMatchObject({ era: 2, acceptedEra: 1, isNoted: true })
    expect(await accept(store.otherTenant)).toBeUndefined()
    expect(await accept(store.tenant, 1)).toEqual({ kind: 'is_other', domain, era: 2 })
    expect(await accept(store.tenant, 2)).toEqual({ kind: 'accepted', domain, era: 2 })
    expect(await accept(store.tenant)).toEqual({ kind: 'accepted', domain, era: 2 })
    expect(await viewOf(store.tenant)).toMatchObject({ era: 2, acceptedEra: 2 })
  })

  it('CHG-05: is the present one for whoever was given nothing of the former', async () => {
    await using store = await setup()
    const { ids, see, viewOf } = await setupDomain(store)
    await see(0)
    await store.moveClock(9 * DAY_SECONDS)
    for (const clientId of ids) await store.demand(clientId, { tenant: store.otherTenant })
    await see(10, PRESENT)
    expect(await viewOf(store.otherTenant)).toMatchObject({ era: 2, acceptedEra: 2 })
    // It used the client while the former owner was seen, and no release noted it then.
    expect(await viewOf(store.tenant)).toMatchObject({ era: 2, acceptedEra: 1, isNoted: false })
  })

  it('CHG-05: is nothing that another tenant can read or write, with raw SQL either', async () => {
    await using store = await setup()
    const { domain, see } = await setupDomain(store)
    await see(0)
    await withTenant(store.api, store.tenant, (trx) => noteEra(trx, { domain, acceptedEra: 1 }))
    const count = sql<{ n: number }>`select count(*) as n from cimd.domain_eras`
    const seenBy = (tenant: string) =>
      withTenant(store.api, tenant, async (trx) => (await count.execute(trx)).rows[0]?.n)
    expect(await seenBy(store.tenant)).toBe(1)
    expect(await seenBy(store.otherTenant)).toBe(0)
    expect((await count.execute(store.api)).rows[0]?.n).toBe(0)
    const forge = withTenant(store.api, store.otherTenant, (trx) =>
      sql`insert into cimd.domain_eras (tenant_id, domain, era) values (${store.tenant}, 'x.com', 9)`.execute(
        trx,
      ),
    )
    await expect(forge).rejects.toThrow('row-level security')
  })

  it('CAC-19: goes with the domain, once that has had no client for more than a year', async () => {
    await using store = await setup()
    const { domain, ids, see } = await setupDomain(store)
    const kept = await setupDomain(store)
    for (const each of [{ see }, kept]) await each.see(0)
    await withTenant(store.api, store.tenant, (trx) => noteEra(trx, { domain, acceptedEra: 1 }))
    await sql`update cimd.clients set domain = 'elsewhere.com' where client_id = ${ids[0]}`.execute(
      store.owner,
    )
    expect(await forgetDomains(store.scheduler, 100)).toBe(0)
    await store.moveClock(401 * DAY_SECONDS)
    expect(await forgetDomains(store.scheduler, 100)).toBe(1)
    expect(await readDomain(store.owner, domain)).toBeUndefined()
    expect(await readDomain(store.owner, kept.domain)).toBeDefined()
    const { rows } = await sql`select from cimd.domain_eras`.execute(store.owner)
    expect(rows).toEqual([])
  })
})

describeStore('what a registry says of a domain', () => {
  it('CHG-05: is asked once a day, through the guarded fetch, and is judged', async () => {
    await using store = await setup()
    const { domain, now, see } = await setupDomain(store)
    const origin = await startOrigin({ hosts: ['rdap.example.net'], authority: await createAuthority() })
    try {
      const tell = (registered: Date) =>
        origin.serve('rdap.example.net', `/domain/${domain}`, {
          headers: { 'content-type': 'application/rdap+json' },
          body: JSON.stringify({
            ...{ objectClassName: 'domain', ldhName: domain },
            events: [{ eventAction: 'registration', eventDate: registered.toISOString() }],
          }),
        })
      const fetchResource = createGuardedFetch({ ...injected(origin), userAgent: 'test' })
      const config = loadConfig({
        ...{ CIMD_DATABASE_URL: store.url, CIMD_QUEUE_URL: store.url },
        CIMD_RDAP_URL: 'https://rdap.example.net/domain/{domain}',
      })
      const deps = createRegistrationDeps(store.fetcher, config, fetchResource)
      if (deps === undefined) throw new Error('it is configured')
      const ask = (at: Date) =>
        askRegistration(deps, { host: `app.${domain}`, at }, AbortSignal.timeout(60_000))
      tell(new Date(now.getTime() - 900 * DAY_SECONDS * 1000))
      expect(await ask(now)).toBeUndefined()
      expect(origin.requests).toEqual([])
      await see(0)
      expect(await ask(now)).toMatchObject({ verdict: 'continuous' })
      expect(await ask(now)).toBeUndefined()
      expect(origin.requests).toHaveLength(1)
      await store.moveClock(DAY_SECONDS)
      tell(new Date(now.getTime() + 2 * DAY_SECONDS * 1000))
      const later = new Date(now.getTime() + 3 * DAY_SECONDS * 1000)
      expect(await ask(later)).toMatchObject({ verdict: 'discontinuous', reasons: ['registered_anew'] })
    } finally {
      await origin.close()
    }
  })

  it('CHG-05: says nothing of a domain of which nothing was ever valid', async () => {
    await using store = await setup()
    const registration = { registeredAt: new Date() }
    expect(await takeRegistrationQuestion(store.fetcher, 'never-seen.com')).toBe(false)
    expect(
      await observeRegistration(store.fetcher, { domain: 'never-seen.com', registration, at: new Date() }),
    ).toBeUndefined()
  })
})
