import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'

const least = { CIMD_DATABASE_URL: 'postgres://cimd@db/cimd', CIMD_QUEUE_URL: 'redis://queue:6379' }
const load = (environment: Record<string, string> = {}) => loadConfig({ ...least, ...environment })

describe(loadConfig, () => {
  it('has defaults for everything but the stores', () => {
    expect(load()).toMatchObject({
      health: { host: '127.0.0.1', port: 8083 },
      ...{ eventSource: '/cimd-registrar', concurrency: 50, deadlineMs: 15_000 },
      ...{ perTenant: 25, perSubscription: 10 },
      wayOut: { proxy: undefined, dnsServers: [], dangerouslyAllowLoopback: false },
    })
  })

  it('refuses loopback targets in production (FET-15)', () => {
    const dangerous = { CIMD_ENV: 'production', CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true' }
    expect(() => load(dangerous)).toThrow(/CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: .*refused.*production/)
  })

  it.each([
    // A claim lasts 40 seconds.
    ['CIMD_DELIVERY_DEADLINE_MS', '20001'],
    ['CIMD_DELIVERY_CONCURRENCY', '0'],
    ['CIMD_TENANT_DELIVERY_CONCURRENCY', '0'],
    ['CIMD_SUBSCRIPTION_DELIVERY_CONCURRENCY', '0'],
    ['CIMD_EVENT_SOURCE', 'a source'],
    ['CIMD_EGRESS_PROXY', 'https://proxy:3128'],
    ['CIMD_EGRESS_DENIED_BLOCKS', '93.184/16'],
    ['CIMD_DNS_SERVERS', 'dns.example'],
  ])('refuses %s=%j by name', (name, value) => {
    expect(() => load({ [name]: value })).toThrow(new RegExp(`a problem.*\\n {2}${name}: `))
  })
})
