import { describe, expect, it } from 'vitest'
import { registrableDomainOf } from './registrable-domain.ts'

describe('registrableDomainOf (FET-23)', () => {
  it.each([
    ['example.com', 'example.com'],
    ['a.b.example.com', 'example.com'],
    ['app.example.co.uk', 'example.co.uk'],
    ['host-1.example.net', 'example.net'],
    ['app.example.unlisted', 'example.unlisted'],
  ])('finds who registered %s: %s', (host, domain) => {
    expect(registrableDomainOf(host)).toBe(domain)
  })

  it('keeps two owners below a private suffix apart', () => {
    expect(registrableDomainOf('a.first.github.io')).toBe('first.github.io')
    expect(registrableDomainOf('second.github.io')).toBe('second.github.io')
  })

  it.each(['github.io', 'co.uk', 'localhost', '192.0.2.1', '[2001:db8::1]', '2001:db8::1', ''])(
    'takes the host itself where nothing is registered: %j',
    (host) => {
      expect(registrableDomainOf(host)).toBe(host)
    },
  )
})
