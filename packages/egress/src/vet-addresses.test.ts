import { describe, expect, it } from 'vitest'
import { ADDRESSES_MAX, vetAddresses } from './vet-addresses.ts'

const PUBLIC = ['93.184.215.14', '2606:4700:4700::1111']
const publicAddresses = (count: number) => Array.from({ length: count }, (_, at) => `93.184.215.${at}`)

describe(vetAddresses, () => {
  it('FET-16: passes a name all of whose addresses are public', () => {
    expect(() => vetAddresses(PUBLIC, false)).not.toThrow()
  })

  it('FET-16: refuses a name with one special-use address among public ones, and names the block', () => {
    expect(() => vetAddresses([...PUBLIC, '169.254.169.254'], false)).toThrow(
      expect.objectContaining({
        code: 'address_blocked',
        message: '169.254.169.254 is in 169.254.0.0/16 (Link Local, RFC 3927)',
      }),
    )
  })

  it('takes an empty answer for a name that does not exist', () => {
    expect(() => vetAddresses([], false)).toThrow(expect.objectContaining({ code: 'dns_not_found' }))
  })

  it('FET-23: refuses a name with more addresses than are considered', () => {
    expect(() => vetAddresses(publicAddresses(ADDRESSES_MAX), false)).not.toThrow()
    expect(() => vetAddresses(publicAddresses(ADDRESSES_MAX + 1), false)).toThrow(
      expect.objectContaining({ code: 'dns_too_many' }),
    )
  })

  it('FET-14: the development switch admits loopback and nothing else that is special', () => {
    expect(() => vetAddresses(['127.0.0.1', '::1'], true)).not.toThrow()
    expect(() => vetAddresses(['127.0.0.1'], false)).toThrow(
      expect.objectContaining({ code: 'address_blocked' }),
    )
    expect(() => vetAddresses(['127.0.0.1', '10.0.0.1'], true)).toThrow(
      expect.objectContaining({ code: 'address_blocked' }),
    )
  })
})
