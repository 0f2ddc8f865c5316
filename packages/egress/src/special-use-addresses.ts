/** One block nobody may make us connect to: its range, and who set it aside. */
export type SpecialUseBlock = { readonly block: string; readonly source: string }

const row = (block: string, source: string): SpecialUseBlock => ({ block, source })

/**
 * IPv4: the IANA special-purpose registry, whether it calls a row globally reachable or not (FET-12, FET-17), and
 * what the registry lacks. Narrow rows come before the blocks that hold them, so that a refusal names the narrowest.
 */
export const SPECIAL_USE_IPV4: readonly SpecialUseBlock[] = [
  row('0.0.0.0/8', 'This network, RFC 791'),
  row('10.0.0.0/8', 'Private-Use, RFC 1918'),
  row('100.64.0.0/10', 'Shared Address Space, RFC 6598'),
  row('127.0.0.0/8', 'Loopback, RFC 1122'),
  // In ordinary public space, yet every Azure machine reaches its host agent here.
  row('168.63.129.16/32', 'Azure host agent, not in the registry'),
  row('169.254.0.0/16', 'Link Local, RFC 3927'),
  row('172.16.0.0/12', 'Private-Use, RFC 1918'),
  row('192.0.0.0/24', 'IETF Protocol Assignments, RFC 6890'),
  row('192.0.2.0/24', 'Documentation (TEST-NET-1), RFC 5737'),
  row('192.31.196.0/24', 'AS112-v4, RFC 7535'),
  row('192.52.193.0/24', 'AMT, RFC 7450'),
  row('192.88.99.0/24', 'Deprecated 6to4 Relay Anycast, RFC 7526'),
  row('192.168.0.0/16', 'Private-Use, RFC 1918'),
  row('192.175.48.0/24', 'Direct Delegation AS112 Service, RFC 7534'),
  row('198.18.0.0/15', 'Benchmarking, RFC 2544'),
  row('198.51.100.0/24', 'Documentation (TEST-NET-2), RFC 5737'),
  row('203.0.113.0/24', 'Documentation (TEST-NET-3), RFC 5737'),
  row('224.0.0.0/4', 'Multicast, RFC 5771'),
  row('255.255.255.255/32', 'Limited Broadcast, RFC 8190'),
  row('240.0.0.0/4', 'Reserved, RFC 1112'),
]

/** The only IPv6 space IANA has given out as global unicast; everything outside it is refused (FET-17). */
export const GLOBAL_UNICAST_IPV6 = '2000::/3'

/**
 * IPv6: rows inside 2000::/3 decide; rows outside it only give the refusal its name. Forms that carry an IPv4
 * address are refused, never unwrapped: no AAAA record has an honest use for them (FET-17).
 */
export const SPECIAL_USE_IPV6: readonly SpecialUseBlock[] = [
  row('2001::/32', 'TEREDO, RFC 4380'),
  row('2001:2::/48', 'Benchmarking, RFC 5180'),
  row('2001:3::/32', 'AMT, RFC 7450'),
  row('2001:4:112::/48', 'AS112-v6, RFC 7535'),
  row('2001:10::/28', 'Deprecated ORCHID, RFC 4843'),
  row('2001:20::/28', 'ORCHIDv2, RFC 7343'),
  row('2001:30::/28', 'Drone Remote ID, RFC 9374'),
  row('2001::/23', 'IETF Protocol Assignments, RFC 2928'),
  row('2001:db8::/32', 'Documentation, RFC 3849'),
  row('2002::/16', '6to4, RFC 3056'),
  row('2620:4f:8000::/48', 'Direct Delegation AS112 Service, RFC 7534'),
  row('3ffe::/16', '6bone, returned to IANA, RFC 3701'),
  row('3fff::/20', 'Documentation, RFC 9637'),
  row('::/128', 'Unspecified Address, RFC 4291'),
  row('::1/128', 'Loopback Address, RFC 4291'),
  row('::/96', 'IPv4-compatible, deprecated, RFC 4291'),
  row('::ffff:0:0/96', 'IPv4-mapped, RFC 4291'),
  row('::ffff:0:0:0/96', 'IPv4-translated, RFC 2765'),
  row('64:ff9b::/96', 'IPv4-IPv6 Translation, RFC 6052'),
  row('64:ff9b:1::/48', 'IPv4-IPv6 Translation, RFC 8215'),
  row('100::/64', 'Discard-Only, RFC 6666'),
  row('100:0:0:1::/64', 'Dummy Prefix, RFC 9780'),
  row('5f00::/16', 'Segment Routing SIDs, RFC 9602'),
  row('fc00::/7', 'Unique-Local, RFC 4193'),
  row('fe80::/10', 'Link-Local Unicast, RFC 4291'),
  row('fec0::/10', 'Site-Local, deprecated, RFC 3879'),
  row('ff00::/8', 'Multicast, RFC 4291'),
]
