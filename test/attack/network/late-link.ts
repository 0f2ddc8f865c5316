import { execFileSync } from 'node:child_process'

const DEVICE = 'late'
const ADDRESS = 'fd42:c1d:9::1/64'

/** ICMPv6 types of multicast listener discovery, RFC 2710 and RFC 3810. */
export const MLD = { report: 131, done: 132, report2: 143 } as const

/** An interface that came up after everything else. */
export type LateLink = {
  /** ICMPv6 types of what has left through it; what the rules refused is not among them. */
  sentTypes(): readonly number[]
  /** Takes its address away, and with that its membership in that address's group. */
  leaveGroup(): void
  remove(): void
}

/** Adds an interface with IPv6 to a namespace, whose kernel then tells its groups by this version of MLD. */
export function raiseLink(namespace: string, mldVersion: 1 | 2): LateLink {
  const inNamespace = (...command: string[]) =>
    execFileSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' })
  const ip = (command: string) => void inNamespace('ip', ...command.split(' '))
  ip(`link add ${DEVICE} type veth peer name ${DEVICE}-peer`)
  inNamespace('sh', '-c', `echo ${mldVersion} >/proc/sys/net/ipv6/conf/${DEVICE}/force_mld_version`)
  ip(`link set ${DEVICE}-peer up`)
  ip(`link set ${DEVICE} up`)
  ip(`address add ${ADDRESS} dev ${DEVICE}`)
  return {
    sentTypes: () => {
      const counters = inNamespace('cat', `/proc/net/dev_snmp6/${DEVICE}`)
      return [...counters.matchAll(/^Icmp6OutType(\d+)/gm)].map(([, type]) => Number(type))
    },
    leaveGroup: () => ip(`address delete ${ADDRESS} dev ${DEVICE}`),
    remove: () => ip(`link delete ${DEVICE}`),
  }
}
