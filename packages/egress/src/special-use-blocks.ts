import iana4 from './registries/iana-ipv4-special-registry.json' with { type: 'json' }
import iana6 from './registries/iana-ipv6-special-registry.json' with { type: 'json' }

/** One block nobody may make us connect to, and who set it aside. */
export type SpecialUseBlock = {
  readonly block: string
  readonly name: string
  /** The RFC that set it aside; empty where none did. */
  readonly rfc: string
  /** `iana`: a row of the special-purpose registries; `ours`: what they lack; `operator`: of this deployment. */
  readonly registry: 'iana' | 'ours' | 'operator'
}

/** The only IPv6 space IANA has given out as global unicast; everything outside it is refused (FET-17). */
export const GLOBAL_UNICAST_IPV6 = '2000::/3'

const ours = (block: string, name: string, rfc = ''): SpecialUseBlock => ({
  block,
  name,
  rfc,
  registry: 'ours',
})

/** What the registries lack, and addresses within their blocks whose name tells an operator who was asked for. */
const SUPPLEMENT: readonly SpecialUseBlock[] = [
  ours('224.0.0.0/4', 'Multicast', 'RFC 5771'),
  ours('100.100.100.200/32', 'Instance metadata of Alibaba Cloud'),
  // In ordinary public space, yet every Azure machine reaches its host agent here.
  ours('168.63.129.16/32', 'Host agent of Azure'),
  ours('169.254.169.254/32', 'Instance metadata of most clouds'),
  ours('169.254.170.2/32', 'Task credentials of Amazon ECS'),
  ours('192.0.0.192/32', 'Instance metadata of Oracle Cloud'),
  ours('::/96', 'IPv4-compatible, deprecated', 'RFC 4291'),
  ours('::ffff:0:0:0/96', 'IPv4-translated', 'RFC 2765'),
  ours('3ffe::/16', '6bone, returned to IANA', 'RFC 3701'),
  ours('fd00:ec2::254/128', 'Instance metadata of Amazon EC2'),
  ours('fd20:ce::254/128', 'Instance metadata of Google Cloud'),
  ours('fec0::/10', 'Site-Local, deprecated', 'RFC 3879'),
  ours('ff00::/8', 'Multicast', 'RFC 4291'),
]

/**
 * Every block that is refused (FET-12, FET-17): both IANA registries, also the rows they call globally reachable, since
 * no web server lives there; and our supplement. Forms that carry an IPv4 address are among them: they are refused,
 * never unwrapped, because no AAAA record has an honest use for them.
 */
export const SPECIAL_USE_BLOCKS: readonly SpecialUseBlock[] = [
  ...[...iana4, ...iana6].map((row): SpecialUseBlock => ({ ...row, registry: 'iana' })),
  ...SUPPLEMENT,
]
