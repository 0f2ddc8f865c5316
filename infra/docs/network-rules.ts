import { BlockList } from 'node:net'
import { GLOBAL_UNICAST_IPV6, SPECIAL_USE_BLOCKS, type SpecialUseBlock } from '@cimd/egress'

const refused = widest(SPECIAL_USE_BLOCKS)
const refused4 = refused.filter(({ block }) => !isIPv6(block))
// What lies outside global unicast is refused as a whole, so only the exceptions within it need a row.
const refused6 = refused.filter(({ block }) => isIPv6(block) && covers(GLOBAL_UNICAST_IPV6, block))

const MADE = 'Made by `npm run docs` from the address table of packages/egress (FET-12, FET-17); do not edit.'

/** `infra/egress/fetcher.nft`: what a fetcher, or its proxy, may open connections to (FET-18). */
export function renderNftRules(): string {
  return `# ${MADE}
# What differs from site to site is defined in site.nft, which includes this file; alone it does not load.

# Replaces the table, if it is there, in one step.
table inet cimd_egress
delete table inet cimd_egress

table inet cimd_egress {
  # Whatever moves the first counter got past the checks of the fetcher: alert on it.
  counter refused_address { }
  counter refused_protocol { }
  counter refused_port { }

  set services4 { type ipv4_addr . inet_proto . inet_service; elements = $services4 }
  set services6 { type ipv6_addr . inet_proto . inet_service; elements = $services6 }
  set site_refused4 { type ipv4_addr; flags interval; auto-merge; elements = $site_refused4 }
  set site_refused6 { type ipv6_addr; flags interval; auto-merge; elements = $site_refused6 }
  set fetch_ports { type inet_service; elements = $fetch_ports }

  set special_use4 {
    type ipv4_addr
    flags interval
    elements = {
${rows(refused4, (row) => `      ${row.block}, # ${sourceOf(row)}`)}
    }
  }

  set special_use6 {
    type ipv6_addr
    flags interval
    elements = {
${rows(refused6, (row) => `      ${row.block}, # ${sourceOf(row)}`)}
    }
  }

  chain output {
    type filter hook output priority filter; policy drop;

    ct state established,related accept
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
    # An interface that comes up tells its link which groups it listens to; no router passes this on.
    ip6 daddr ff02::/16 icmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report } accept

    # Before any refusal, for these mostly have private addresses.
    ip daddr . meta l4proto . th dport @services4 accept
    ip6 daddr . meta l4proto . th dport @services6 accept

    # The addresses of this namespace, the public ones among them.
    oifname "lo" counter name refused_address goto refuse

    ip daddr @special_use4 counter name refused_address goto refuse
    ip daddr @site_refused4 counter name refused_address goto refuse
    ip6 daddr != ${GLOBAL_UNICAST_IPV6} counter name refused_address goto refuse
    ip6 daddr @special_use6 counter name refused_address goto refuse
    ip6 daddr @site_refused6 counter name refused_address goto refuse
    # ISATAP, RFC 5214: a router would unwrap the IPv4 address that such an interface identifier carries.
    ip6 daddr & ::fdff:ffff:0:0 == ::5efe:0:0 counter name refused_address goto refuse

    meta l4proto != tcp counter name refused_protocol goto refuse
    tcp dport != @fetch_ports counter name refused_port goto refuse
    accept
  }

  # Refusals are answered, so that nobody waits for a timeout. TCP takes note of a reset alone.
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
}
`
}

/** `infra/egress/networkpolicy.yaml`: the nearest that a Kubernetes NetworkPolicy comes to the same (FET-18). */
export function renderNetworkPolicy(): string {
  const except = (blocks: readonly SpecialUseBlock[]) =>
    rows(blocks, (row) => `              - ${row.block} # ${sourceOf(row)}`)
  return `# ${MADE}
# Labels and ports of DNS, Postgres and Redis are those of a common installation; patch them with Kustomize.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cimd-fetcher-egress
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: cimd-fetcher
  policyTypes:
    - Egress
  egress:
    # Publishers. Remove this entry where fetchers use an egress proxy, and allow the proxy's pods instead.
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except:
${except(refused4)}
        - ipBlock:
            cidr: ${GLOBAL_UNICAST_IPV6}
            except:
${except(refused6)}
      ports:
        - protocol: TCP
          port: 443
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - protocol: UDP
          port: 53
        - protocol: TCP
          port: 53
    - to:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: postgresql
      ports:
        - protocol: TCP
          port: 5432
    - to:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: redis
      ports:
        - protocol: TCP
          port: 6379
`
}

/** `infra/egress/squid-access.conf`: what a Squid between fetchers and the Internet lets through (FET-18). */
export function renderSquidAccess(): string {
  return `# ${MADE}
# Included by squid.conf, which says where the proxy listens and who the fetchers are.

# Families have lists of their own: Squid keeps IPv4 as mapped IPv6, and in a mixed list drops what overlaps.
# 0.0.0.0/0 in one piece would be read as "everything", IPv6 included.
acl ipv4 dst 0.0.0.0/1 128.0.0.0/1
acl global_ipv6 dst ${GLOBAL_UNICAST_IPV6}

${rows(refused4, (row) => `# ${sourceOf(row)}\nacl special_use4 dst ${row.block}`)}

${rows(refused6, (row) => `# ${sourceOf(row)}\nacl special_use6 dst ${row.block}`)}

acl tunnel method CONNECT
acl fetch_port port 443
# Fetchers resolve and vet by themselves. A name would be looked up a second time, with another answer perhaps.
acl literal dstdom_regex -n ^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$ :
# ISATAP, RFC 5214: a router would unwrap the IPv4 address that such an interface identifier carries.
# Its last two groups may be spelled with a "::", after which it has to be counted where 5efe stands.
acl isatap dstdom_regex -n -i :5efe:([0-9a-f]+:[0-9a-f]+|[0-9.]+)\\]?$
acl isatap dstdom_regex -n -i ^\\[?([0-9a-f]+:){5}5efe:(:[0-9a-f]*|[0-9a-f]+::)\\]?$

http_access deny !fetchers
http_access deny !tunnel
http_access deny !fetch_port
http_access deny !literal
http_access deny special_use4
http_access deny !ipv4 !global_ipv6
http_access deny special_use6
http_access deny isatap
http_access allow all
`
}

/** Without the rows that lie within another one: some implementations refuse overlaps, none needs them. */
function widest(blocks: readonly SpecialUseBlock[]): readonly SpecialUseBlock[] {
  return blocks.filter(({ block }) => !blocks.some((other) => covers(other.block, block)))
}

/** Whether the outer block is larger than the inner one and holds all of it. */
function covers(outer: string, inner: string): boolean {
  const family = isIPv6(outer) ? 'ipv6' : 'ipv4'
  const [outerNetwork, outerBits] = split(outer)
  const [innerNetwork, innerBits] = split(inner)
  if (isIPv6(outer) !== isIPv6(inner) || outerBits >= innerBits) return false
  const list = new BlockList()
  list.addSubnet(outerNetwork, outerBits, family)
  return list.check(innerNetwork, family)
}

function split(block: string): [network: string, bits: number] {
  const [network = '', bits] = block.split('/')
  return [network, Number(bits)]
}

function isIPv6(block: string): boolean {
  return block.includes(':')
}

function sourceOf({ name, rfc }: SpecialUseBlock): string {
  return rfc === '' ? name : `${name}, ${rfc}`
}

function rows(blocks: readonly SpecialUseBlock[], render: (block: SpecialUseBlock) => string): string {
  return blocks.map(render).join('\n')
}
