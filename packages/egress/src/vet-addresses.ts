import { classifyAddress, isLoopback } from './classify-address.ts'
import { EgressError } from './egress-error.ts'

/** Far above what honest zones hold; a resolver happily hands over hundreds after falling back to TCP. */
export const ADDRESSES_MAX = 16

/**
 * Throws unless every address a name resolves to may be connected to: one bad answer among good ones refuses the
 * name (FET-12, FET-16). `allowLoopback` is the development exception of FET-14 and FET-15.
 */
export function vetAddresses(addresses: readonly string[], allowLoopback: boolean): void {
  if (addresses.length === 0) throw new EgressError('dns_not_found', 'no A or AAAA record')
  for (const address of addresses) {
    const verdict = classifyAddress(address)
    if (verdict.public || (allowLoopback && isLoopback(verdict))) continue
    throw new EgressError('address_blocked', `${address} is in ${verdict.block} (${verdict.source})`)
  }
  if (addresses.length > ADDRESSES_MAX)
    throw new EgressError(
      'dns_too_many',
      `${addresses.length} addresses, at most ${ADDRESSES_MAX} are considered`,
    )
}
