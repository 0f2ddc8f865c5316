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
        bodyBytesMax: 5120,
        userAgent: 'cimd-registrar/0.1',
        dangerouslyAllowLoopback: false,
      },
      hostBudget: { concurrentMax: 8, attemptsPerMinute: 600 },
    })
  })

  it('allows loopback targets in development when told to (FET-14)', () => {
    const config = load({ CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'true' })
    expect(config.fetch.dangerouslyAllowLoopback).toBe(true)
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
    expect(load({ CIMD_ENV: 'production' }).fetch.dangerouslyAllowLoopback).toBe(false)
    const off = { CIMD_ENV: 'production', CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS: 'false' }
    expect(load(off).fetch.dangerouslyAllowLoopback).toBe(false)
  })

  it.each([
    ['CIMD_DANGEROUSLY_ALLOW_LOOPBACK_TARGETS', '1'],
    ['CIMD_FETCH_DEADLINE_MS', '6001'],
    ['CIMD_FETCH_BODY_BYTES_MAX', '65537'],
    ['CIMD_USER_AGENT', 'cimd\r\nX-Injected: 1'],
    ['CIMD_USER_AGENT', 'cimd é'],
    ['CIMD_HOST_CONCURRENCY', '0'],
  ])('refuses %s=%j by name', (name, value) => {
    expect(() => load({ [name]: value })).toThrow(new RegExp(`a problem.*\\n {2}${name}: `))
  })
})
