import type { DialledClass } from '@cimd/core'
import type { AddressClass, ClassifyAddress } from './classify-address.ts'
import { FetchError } from './fetch-error.ts'
import type { SpecialUseBlock } from './special-use-blocks.ts'

/** Far above what honest zones hold; a resolver happily hands over hundreds after falling back to TCP. */
export const ADDRESSES_MAX = 16

/** An address that may be connected to. */
export type VettedAddress = { readonly address: string; readonly class: DialledClass }

/**
 * Passes the addresses a name resolves to, or throws: one bad answer among good ones refuses the name (FET-12, FET-16).
 * `allowLoopback` is the development exception of FET-14 and FET-15.
 */
export function vetAddresses(
  addresses: readonly string[],
  classify: ClassifyAddress,
  allowLoopback: boolean,
): readonly VettedAddress[] {
  if (addresses.length === 0) throw new FetchError('dns_not_found', 'no A or AAAA record')
  // Before any is judged: judging the thousands that a zone may name would hold up every other fetch.
  if (addresses.length > ADDRESSES_MAX)
    throw new FetchError(
      'dns_too_many',
      `${addresses.length} addresses, at most ${ADDRESSES_MAX} are considered`,
    )
  return addresses.map((address) => ({ address, class: vet(address, classify(address), allowLoopback) }))
}

function vet(address: string, verdict: AddressClass, allowLoopback: boolean): DialledClass {
  if (verdict.public) return verdict.class
  if (verdict.class === 'loopback' && allowLoopback) return 'loopback'
  throw new FetchError('address_blocked', `${address} is ${describe(verdict.why)}`)
}

function describe({ block, name, rfc }: SpecialUseBlock): string {
  if (block === '') return name
  return `in ${block} (${rfc === '' ? name : `${name}, ${rfc}`})`
}
