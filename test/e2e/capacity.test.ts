import { dangerouslySetClockOffset } from '@cimd/store'
import { expect, it } from 'vitest'
import { publish } from '../harness/documents.ts'
import { describePipeline } from '../harness/pipeline-suite.ts'

const DOMAIN_MAX = 20
const TENANT_MAX = 30
const environment = {
  CIMD_CLIENTS_PER_DOMAIN_MAX: String(DOMAIN_MAX),
  CIMD_CLIENTS_PER_TENANT_MAX: String(TENANT_MAX),
}

describePipeline('bounded storage (CAC-19)', { environment }, (suite) => {
  const countClients = async (): Promise<number> => {
    const { n } = await suite.pipeline.db
      .selectFrom('cimd.clients')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    return n
  }

  it('ends a flood of path variations at the limit of their domain, and serves everybody else', async () => {
    const { origin, pipeline } = suite
    const known = publish(origin, {}, 'flooded.example.net')
    expect((await pipeline.api.resolve({ client_id: known, wait_ms: 20_000 })).status).toBe(200)

    const codes: string[] = []
    for (let n = 0; n < 5 * DOMAIN_MAX; n += 1) {
      const client_id = `https://flooded-${n % 7}.example.net/${n}/client.json`
      const { status, headers, body } = await pipeline.api.resolve({ client_id, wait_ms: 20_000 })
      codes.push(`${status} ${body.code ?? body.status}`)
      if (status === 503) {
        expect(headers.get('retry-after')).toBe('3600')
        expect(body).toMatchObject({ class: 'deferred', retryable: true })
      }
    }
    const refused = codes.filter((code) => code === '503 domain_capacity')
    expect(refused).toHaveLength(5 * DOMAIN_MAX - (DOMAIN_MAX - 1))
    expect(await countClients()).toBe(DOMAIN_MAX)
    const forced = await pipeline.api.refresh({ client_id: 'https://flooded.example.net/more' })
    expect(forced.body.code).toBe('domain_capacity')

    const elsewhere = publish(origin, {}, 'www.example.org')
    for (const client_id of [known, elsewhere]) {
      expect((await pipeline.api.resolve({ client_id, wait_ms: 20_000 })).status).toBe(200)
    }
  })

  it('ends what one tenant may use with 429, and what others use is as before', async () => {
    const { origin, pipeline } = suite
    const [another, one] = [publish(origin, {}, 'a.example.com'), publish(origin, {}, 'b.example.com')]
    const taken = await countClients()
    for (let n = taken; n < TENANT_MAX; n += 1) {
      const client_id = `https://spread.test-${n}.org/client.json`
      await pipeline.api.resolve({ client_id, wait_ms: 20_000 })
    }
    const refused = await pipeline.api.resolve({ client_id: one, wait_ms: 0 })
    expect(refused).toMatchObject({ status: 429, body: { code: 'tenant_capacity' } })
    expect(refused.headers.get('retry-after')).toBe('3600')
    const other = await pipeline.addTenant('second')
    for (const client_id of [one, another]) {
      expect((await other.resolve({ client_id, wait_ms: 20_000 })).status).toBe(200)
    }
  })

  it('has room again once the scheduler has forgotten what never was valid', async () => {
    const { origin, pipeline } = suite
    await pipeline.stop('scheduler')
    expect(await countClients()).toBeGreaterThanOrEqual(TENANT_MAX)
    await dangerouslySetClockOffset(pipeline.db, 2 * 86_400)
    const scheduler = await pipeline.start('scheduler')
    await scheduler.logged(({ event }) => event === 'prune.deleted')
    expect(await countClients()).toBe(4)
    const fresh = publish(origin, {}, 'new.example.net')
    expect((await pipeline.api.resolve({ client_id: fresh, wait_ms: 20_000 })).status).toBe(200)
  })
})
