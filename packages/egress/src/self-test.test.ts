import ipaddr from 'ipaddr.js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { assertAddressesJudged } from './self-test.ts'

describe(assertAddressesJudged, () => {
  afterEach(() => vi.restoreAllMocks())

  it('FET-17: names the addresses when the library reads them differently', () => {
    vi.spyOn(ipaddr.IPv4.prototype, 'match').mockReturnValue(false)
    vi.spyOn(ipaddr.IPv4.prototype, 'range').mockReturnValue('unicast')
    expect(assertAddressesJudged).toThrow(/judged wrongly on this machine: .*10\.0\.0\.0.*169\.254\.169\.254/)
  })

  it('FET-17: does not take refusing everything for safety', () => {
    vi.spyOn(ipaddr.IPv4.prototype, 'range').mockReturnValue('private')
    expect(assertAddressesJudged).toThrow('1.1.1.1')
  })

  it('FET-17: is content on this machine', () => {
    expect(assertAddressesJudged).not.toThrow()
  })
})
