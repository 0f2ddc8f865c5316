import { ConfigError } from '@cimd/runtime'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'

const least = { CIMD_DATABASE_URL: 'postgres://cimd@db/cimd', CIMD_QUEUE_URL: 'redis://queue:6379' }
const load = (environment: Record<string, string> = {}) => loadConfig({ ...least, ...environment })

describe('loadConfig', () => {
  it('has defaults for everything but the stores', () => {
    expect(load()).toEqual({
      environment: 'development',
      databaseUrl: least.CIMD_DATABASE_URL,
      queueUrl: least.CIMD_QUEUE_URL,
      logLevel: 'info',
      shutdownGraceMs: 10_000,
      health: { host: '127.0.0.1', port: 8081 },
      concurrency: { fetch: 32, refresh: 16 },
      fetch: {
        deadlineMs: 5000,
        bodyBytesMax: { document: 5120 },
        allowedPorts: [443],
      },
      logo: { concurrency: 2, decodeMs: 3000, memoryBytes: 268_435_456 },
      wayOut: {
        proxy: undefined,
        dnsServers: [],
        addresses: { deniedBlocks: [], nat64Prefixes: [] },
        userAgent: 'cimd-registrar/0.1',
        dangerouslyAllowLoopback: false,
      },
      budget: {
        windowSeconds: 60,
        host: { concurrentMax: 8, windowMax: 600 },
        domain: { concurrentMax: 16, windowMax: 1200 },
        fleet: { concurrentMax: 256, windowMax: 30_000 },
      },
    })
  })

  it('reads the way out: proxy, name servers, ports, blocks (FET-16, FET-18)', () => {
    const { wayOut, fetch } = load({
      CIMD_EGRESS_PROXY: 'http://user:secret@proxy:3128',
      CIMD_EGRESS_DENIED_BLOCKS: '93.184.0.0/16, 2606:4700::/32',
      CIMD_EGRESS_NAT64_PREFIXES: '64:ff9b::/96',
      CIMD_DNS_SERVERS: '9.9.9.9,[2620:fe::fe]:5353',
      CIMD_CLIENT_ID_PORTS: '443,8443',
    })
    expect(fetch.allowedPorts).toEqual([443, 8443])
    expect(wayOut).toMatchObject({
      proxy: 'http://user:secret@proxy:3128',
      dnsServers: ['9.9.9.9', '[2620:fe::fe]:5353'],
      addresses: { deniedBlocks: ['93.184.0.0/16', '2606:4700::/32'], nat64Prefixes: ['64:ff9b::/96'] },
    })
  })

  it('never repeats what may hold a password', () => {
    for (const url of ['https://user:secret@proxy', 'http://user:%zzsecret@proxy:3128'])
      expect(() => load({ CIMD_EGRESS_PROXY: url })).toThrow(/^(?!.*secret).*percent-encoded/s)
  })

  it('allows loopback targets in development when told to (FET-14)', () => {
    const config = load({ CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true' })
    expect(config.wayOut.dangerouslyAllowLoopback).toBe(true)
  })

  it('refuses loopback targets in production (FET-15)', () => {
    const dangerous = { CIMD_ENV: 'production', CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true' }
    expect(() => load(dangerous)).toThrow(ConfigError)
    expect(() => load(dangerous)).toThrow(/CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: .*refused.*production/)
  })

  it('refuses them together with every other problem (FET-15)', () => {
    const dangerous = { CIMD_ENV: 'production', CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true' }
    const broken = () => load({ ...dangerous, CIMD_DATABASE_URL: '', CIMD_FETCH_CONCURRENCY: '0' })
    expect(broken).toThrow('3 problems')
    expect(broken).toThrow(/CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: .*refused/)
  })

  it('starts in production without the switch, and with it turned off', () => {
    expect(load({ CIMD_ENV: 'production' }).wayOut.dangerouslyAllowLoopback).toBe(false)
    const off = { CIMD_ENV: 'production', CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'false' }
    expect(load(off).wayOut.dangerouslyAllowLoopback).toBe(false)
  })

  it.each([
    ['CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS', '1'],
    ['CIMD_FETCH_DEADLINE_MS', '6001'],
    ['CIMD_FETCH_BODY_BYTES_MAX', '65537'],
    ['CIMD_LOGO_CONCURRENCY', '0'],
    ['CIMD_LOGO_DECODE_MS', '10001'],
    ['CIMD_LOGO_MEMORY_MIB', '4097'],
    ['CIMD_LOGO_MEMORY_MIB', '127'],
    ['CIMD_USER_AGENT', 'cimd\r\nX-Injected: 1'],
    ['CIMD_USER_AGENT', 'cimd é'],
    ['CIMD_HOST_CONCURRENCY', '0'],
    ['CIMD_EGRESS_PROXY', 'https://proxy:3128'],
    ['CIMD_EGRESS_PROXY', 'http://proxy:3128/path'],
    ['CIMD_EGRESS_PROXY', 'http://user:%zz@proxy:3128'],
    ['CIMD_EGRESS_DENIED_BLOCKS', '93.184.0.0'],
    ['CIMD_EGRESS_DENIED_BLOCKS', '93.184/16'],
    ['CIMD_EGRESS_DENIED_BLOCKS', '::ffff:93.184.0.0/112'],
    ['CIMD_EGRESS_NAT64_PREFIXES', '64:ff9b::/95'],
    ['CIMD_DNS_SERVERS', 'dns.example'],
    ['CIMD_CLIENT_ID_PORTS', '0'],
    ['CIMD_DOMAIN_ATTEMPTS_PER_MINUTE', '0'],
    ['CIMD_FLEET_CONCURRENCY', '-1'],
  ])('refuses %s=%j by name', (name, value) => {
    expect(() => load({ [name]: value })).toThrow(new RegExp(`a problem.*\\n {2}${name}: `))
  })
})
