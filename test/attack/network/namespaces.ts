import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'

/** A host of the rig; `inet` stands for the whole Internet and every private network behind it. */
export type Host = 'work' | 'prox' | 'inet'

/** Three hosts in a row, work - prox - inet, where inet has every address there is. */
export type Namespaces = {
  name(host: Host): string
  /** Loads an nftables ruleset, which may include the files of the directory. */
  loadRules(host: Host, rules: string, includeDirectory: string): void
  flushRules(host: Host): void
  /** Packets that a named counter of our table has counted. */
  countOf(host: Host, counter: string): number
  remove(): void
}

const HOSTS: readonly Host[] = ['work', 'prox', 'inet']
const PREFIX = 'cimd-'

// Not on the edge or in the middle of any block, so that no probe ever means the rig itself.
/** The address of work as the proxy host sees it. */
export const WORK_4 = '172.30.201.1'
/** The address of the proxy host as work sees it. */
export const PROX_4 = '172.30.201.2'
/** An address of work that nothing tells from others of the Internet. */
export const OWN_PUBLIC = '93.184.215.16'

/** Makes the three hosts and their links. What a killed process has left behind goes with the next call. */
export function createNamespaces(): Namespaces {
  removeAbandoned()
  const serial = randomInt(1e6)
  const name = (host: Host) => `${PREFIX}${process.pid}-${serial}-${host}`
  const remove = () => {
    for (const made of namesMade().filter((each) => HOSTS.map(name).includes(each))) removeNamespace(made)
  }
  try {
    for (const host of HOSTS) execFileSync('ip', ['netns', 'add', name(host)])
    connectHosts(name)
  } catch (error) {
    remove()
    throw error
  }
  return { name, ...rulesOf(name), remove }
}

function rulesOf(name: (host: Host) => string): Pick<Namespaces, 'loadRules' | 'flushRules' | 'countOf'> {
  const nft = (host: Host, args: readonly string[], input = '') =>
    execFileSync('ip', ['netns', 'exec', name(host), 'nft', ...args], { input, encoding: 'utf8' })
  return {
    loadRules: (host, rules, directory) => void nft(host, ['-I', directory, '-f', '-'], rules),
    flushRules: (host) => void nft(host, ['flush', 'ruleset']),
    countOf: (host, counter) => {
      const listed = nft(host, ['list', 'counter', 'inet', 'cimd_egress', counter])
      return Number(/packets (\d+)/.exec(listed)?.[1])
    },
  }
}

function connectHosts(name: (host: Host) => string): void {
  const [work, prox, inet] = HOSTS.map(name)
  batch(undefined, [
    `link add work netns ${prox} type veth peer name prox netns ${work}`,
    `link add inet netns ${prox} type veth peer name prox netns ${inet}`,
  ])
  for (const host of HOSTS) execFileSync('ip', ['netns', 'exec', name(host), 'sh', '-c', KERNEL_SETTINGS])
  batch(work, [
    ...interfaceUp('prox', `${WORK_4}/30`, 'fd42:c1d:1::1/64'),
    `route add default via ${PROX_4}`,
    'route add default via fd42:c1d:1::2',
    `address add ${OWN_PUBLIC} dev lo`,
  ])
  batch(prox, [
    ...interfaceUp('work', `${PROX_4}/30`, 'fd42:c1d:1::2/64'),
    ...interfaceUp('inet', '172.30.201.5/30', 'fd42:c1d:2::1/64'),
    'route add default via 172.30.201.6',
    'route add default via fd42:c1d:2::2',
  ])
  batch(inet, [
    ...interfaceUp('prox', '172.30.201.6/30', 'fd42:c1d:2::2/64'),
    // Every address is its own, but for those behind it. IPv4 accepts no other table for this than "local", which is
    // asked first; IPv6 no such route in it.
    'route add local 0.0.0.0/0 dev lo',
    'route add 172.30.201.5 dev prox table local',
    'route add 172.30.201.0/30 via 172.30.201.5 table local',
    'route add fd42:c1d:1::/64 via fd42:c1d:2::1',
    'route add local ::/0 dev lo table 100',
    '-6 rule add pref 40000 lookup 100',
  ])
}

// Routers forward, nobody finds fault with a packet from an address that is not public, and no interface waits to hear
// whether its addresses are taken.
const KERNEL_SETTINGS = `
  cd /proc/sys/net
  echo 1 >ipv4/ip_forward
  echo 1 >ipv6/conf/all/forwarding
  for interface in ipv4/conf/*; do echo 0 >$interface/rp_filter; echo 1 >$interface/accept_local; done
  for interface in ipv6/conf/*; do echo 0 >$interface/accept_dad; done
`

function interfaceUp(device: string, ...addresses: readonly string[]): string[] {
  const added = addresses.map(
    (address) => `address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`,
  )
  return [...added, `link set ${device} up`, 'link set lo up']
}

function batch(namespace: string | undefined, commands: readonly string[]): void {
  const where = namespace === undefined ? [] : ['-netns', namespace]
  for (const command of commands) execFileSync('ip', [...where, ...command.split(' ')])
}

/** Removes namespaces whose test process is gone. */
function removeAbandoned(): void {
  for (const name of namesMade()) {
    const [, pid] = new RegExp(`^${PREFIX}(\\d+)-\\d+-(?:${HOSTS.join('|')})$`).exec(name) ?? []
    if (pid !== undefined && !isRunning(Number(pid))) removeNamespace(name)
  }
}

function removeNamespace(name: string): void {
  execFileSync('ip', ['netns', 'delete', name])
}

function namesMade(): readonly string[] {
  try {
    return readdirSync('/run/netns')
  } catch {
    return []
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
