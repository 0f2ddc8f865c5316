import { describe, expect, it } from 'vitest'
import { type ClassifyAddress, classifyAddress } from './classify-address.ts'
import { ADDRESSES_MAX, vetAddresses } from './vet-addresses.ts'

const PUBLIC = ['93.184.215.14', '2606:4700:4700::1111']
const publicAddresses = (count: number) => Array.from({ length: count }, (_, at) => `93.184.215.${at}`)

const vet = (addresses: readonly string[], allowLoopback: boolean) =>
  vetAddresses(addresses, classifyAddress, allowLoopback)

describe(vetAddresses, () => {
  it('FET-16: passes a name all of whose addresses are public', () => {
    expect(() => vet(PUBLIC, false)).not.toThrow()
  })

  it('FET-16: refuses a name with one special-use address among public ones, and names the block', () => {
    expect(() => vet([...PUBLIC, '169.254.169.254'], false)).toThrow(
      expect.objectContaining({
        code: 'address_blocked',
        message: '169.254.169.254 is in 169.254.169.254/32 (Instance metadata of most clouds)',
      }),
    )
  })

  it('FET-16: tells the class of what may be dialled', () => {
    expect(vet(['93.184.215.14', '127.0.0.1'], true)).toEqual([
      { address: '93.184.215.14', class: 'public' },
      { address: '127.0.0.1', class: 'loopback' },
    ])
  })

  it('names the RFC, or what it is that no RFC knows', () => {
    expect(() => vet(['10.0.0.1'], false)).toThrow('10.0.0.1 is in 10.0.0.0/8 (Private-Use, RFC 1918)')
    expect(() => vet(['127.1'], false)).toThrow('127.1 is not an address in its plain spelling')
  })

  it('takes an empty answer for a name that does not exist', () => {
    expect(() => vet([], false)).toThrow(expect.objectContaining({ code: 'dns_not_found' }))
  })

  it('FET-23: refuses a name with more addresses than are considered', () => {
    expect(() => vet(publicAddresses(ADDRESSES_MAX), false)).not.toThrow()
    expect(() => vet(publicAddresses(ADDRESSES_MAX + 1), false)).toThrow(
      expect.objectContaining({ code: 'dns_too_many' }),
    )
  })

  it('FET-23: counts a large answer and judges none of it', () => {
    const judged: string[] = []
    const classify: ClassifyAddress = (address) => {
      judged.push(address)
      return classifyAddress(address)
    }
    const crowd = ['10.0.0.1', ...publicAddresses(ADDRESSES_MAX)]
    expect(() => vetAddresses(crowd, classify, false)).toThrow(
      expect.objectContaining({ code: 'dns_too_many' }),
    )
    expect(judged).toEqual([])
  })

  it('FET-14: the development switch admits loopback and nothing else that is special', () => {
    expect(() => vet(['127.0.0.1', '::1'], true)).not.toThrow()
    expect(() => vet(['127.0.0.1'], false)).toThrow(expect.objectContaining({ code: 'address_blocked' }))
    expect(() => vet(['127.0.0.1', '10.0.0.1'], true)).toThrow(
      expect.objectContaining({ code: 'address_blocked' }),
    )
  })
})
