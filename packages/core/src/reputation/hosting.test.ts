import { describe, expect, it } from 'vitest'
import { hostingOf } from './hosting.ts'

describe('hostingOf', () => {
  it.each([
    ['app.example.com', { kind: 'own' }],
    ['example.co.uk', { kind: 'own' }],
    ['127.0.0.1', { kind: 'own' }],
    ['someone.github.io', { kind: 'shared_suffix', suffix: 'github.io' }],
    ['a.b.vercel.app', { kind: 'shared_suffix', suffix: 'vercel.app' }],
    ['raw.githubusercontent.com', { kind: 'shared_host', host: 'raw.githubusercontent.com' }],
    ['cdn.jsdelivr.net', { kind: 'shared_host', host: 'cdn.jsdelivr.net' }],
    ['evilunpkg.com', { kind: 'own' }],
    ['cimd-service.fly.dev', { kind: 'cimd_service', host: 'cimd-service.fly.dev' }],
    ['eu.cimd-service.fly.dev', { kind: 'cimd_service', host: 'cimd-service.fly.dev' }],
  ])('%s', (host, hosting) => {
    expect(hostingOf(host)).toEqual(hosting)
  })

  it('takes the lists of a deployment', () => {
    const lists = { cimdServices: ['cimd.example'], sharedHosts: [] }
    expect(hostingOf('cimd.example', lists).kind).toBe('cimd_service')
    expect(hostingOf('unpkg.com', lists).kind).toBe('own')
  })
})
