import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type LocalServer, makeDirectory, startServer } from '../harness/local-server.ts'
import { missingForSquid, skipFor } from '../harness/requirements.ts'
import { PROX_4, WORK_4 } from './network/namespaces.ts'
import { collectAnswers, collectProbes, ISATAP, NOT_ISATAP } from './network/probes.ts'
import { type Rig, startRig, type Target } from './network/rig.ts'
import {
  arrivals,
  EGRESS_DIRECTORY,
  networkCases,
  PUBLIC,
  reached,
  SITE_REFUSED,
  siteRules,
  tcp,
} from './network/targets.ts'

const PROXY_PORT = 3128
const SITE_PORT = 8443
const SITE_REFUSED_6 = '2606:4700:4700::1001'
const OPEN_PROXY = `http_port ${PROXY_PORT}\nhttp_access allow all\nshutdown_lifetime 0 seconds\nconnect_timeout 10 seconds\nforward_max_tries 1\n`

const probes = collectProbes()
const addresses = probes.map(({ address }) => address)
const publicOnes = probes.flatMap((probe) => (probe.public ? [probe.address] : [])).toSorted()
const tunnels = networkCases().filter(({ target }) => target.protocol === 'tcp')
const refusedTunnels = tunnels.filter(({ allowed }) => !allowed)

const { skipped, title } = skipFor(missingForSquid())

describe.skipIf(skipped)(title('an egress proxy between fetcher and Internet'), () => {
  let rig: Rig
  let proxy: LocalServer | undefined

  beforeAll(async () => {
    rig = await startRig()
    // The fetcher's only way out: what arrives anywhere came through the proxy.
    const way = `${PROX_4} . tcp . ${PROXY_PORT}`
    rig.loadRules('work', siteRules({ ports: [], services: [way] }), EGRESS_DIRECTORY)
  })
  afterAll(() => rig?.close())

  const arrived = async () => arrivals(await rig.arrived())
  const through = (target: Target): Target => ({
    ...target,
    through: { address: PROX_4, port: PROXY_PORT },
  })

  describe('with its own access rules and none of the kernel', () => {
    beforeAll(async () => {
      proxy = await startSquid(rig, shippedConfiguration())
    })
    afterEach(() => rig.arrived())
    afterAll(() => proxy?.stop())

    it.each(tunnels)('FET-18, $id: allowed is $allowed', async ({ target, allowed }) => {
      const [outcome] = await rig.probe([through(target)])
      expect(outcome?.answer).toBe(allowed ? 'reached' : 'HTTP/1.1 403')
      expect(await arrived()).toHaveLength(allowed ? 1 : 0)
    })

    it('FET-12, FET-17, FET-18: tunnels to the public addresses and to no other', async () => {
      const outcomes = await rig.probe(addresses.map((address) => through(tcp(address))))
      expect(reached(outcomes)).toEqual(publicOnes)
      expect(outcomes.filter(({ answer }) => !['reached', 'HTTP/1.1 403'].includes(answer))).toEqual([])
      expect(await arrived()).toEqual(publicOnes.map((address) => `tcp ${address} 443`))
    })

    it('FET-16, FET-18: serves guarded fetches, with the rules of the kernel around both', async () => {
      loadProxyRules(rig)
      const answers = collectAnswers()
      const order = {
        addresses: answers.map(({ address }) => address),
        proxy: `http://${PROX_4}:${PROXY_PORT}`,
      }
      const results = await rig.fetchFrom(order)
      rig.flushRules('prox')
      const connected = results.flatMap(({ address, code }) => (code === 'address_blocked' ? [] : [address]))
      const allowed = answers.flatMap((answer) => (answer.public ? [answer.address] : []))
      expect(connected).toEqual(allowed)
      expect(await arrived()).toEqual(allowed.map((address) => `tcp ${address} 443`).toSorted())
    })

    it('FET-16: tunnels to no name, which it would have to look up a second time', async () => {
      const names = ['client.example.com', 'localhost', 'cafe.be', '1.1.1.1.nip.io', '2130706433', '0x7f.1']
      const outcomes = await rig.probe(names.map((name) => through(tcp(name))))
      expect(outcomes.map(({ answer }) => answer)).toEqual(names.map(() => 'HTTP/1.1 403'))
    })
  })

  describe("with the site's own lines", () => {
    const site = [tcp(PUBLIC, SITE_PORT), tcp(SITE_REFUSED), tcp(SITE_REFUSED_6), tcp('client.example.com')]
    const answersOf = async (configuration: string) => {
      const own = await startSquid(rig, configuration)
      try {
        return (await rig.probe([...site, tcp(PUBLIC)].map(through))).map(({ answer }) => answer)
      } finally {
        await own.stop()
        await rig.arrived()
      }
    }

    it('FET-18: tunnels to its ports, refuses its addresses without asking for names, and neither without them', async () => {
      const refused = 'HTTP/1.1 403'
      expect(await answersOf(siteConfiguration())).toEqual(['reached', refused, refused, refused, 'reached'])
      expect(await answersOf(shippedConfiguration())).toEqual([
        refused,
        'reached',
        'reached',
        refused,
        'reached',
      ])
    })

    it.each([
      ['as it is', shippedConfiguration()],
      ["with the site's lines", siteConfiguration()],
    ])('Squid finds nothing to say about the configuration %s', (_which, configuration) => {
      expect(remarksOfSquid(rig, configuration)).toEqual([])
    })
  })

  describe('with the rules of the kernel and none of its own', () => {
    beforeAll(async () => {
      proxy = await startSquid(rig, OPEN_PROXY)
    })
    afterEach(async () => {
      rig.flushRules('prox')
      await rig.arrived()
    })
    afterAll(() => proxy?.stop())

    it.each(refusedTunnels)('$id: leaks where neither is there', async ({ target }) => {
      expect(reached(await rig.probe([through(target)]))).toEqual([target.address])
    })

    it.each(refusedTunnels)('FET-18, $id: nothing leaves', async ({ target }) => {
      loadProxyRules(rig)
      expect(reached(await rig.probe([through(target)]))).toEqual([])
      expect(await arrived()).toEqual([])
    })

    it('FET-12, FET-17, FET-18: connects to the public addresses and to no other', async () => {
      loadProxyRules(rig)
      const outcomes = await rig.probe(addresses.map((address) => through(tcp(address))))
      expect(reached(outcomes)).toEqual(publicOnes)
      expect(await arrived()).toEqual(publicOnes.map((address) => `tcp ${address} 443`))
    })
  })
})

describe('the patterns for ISATAP, whichever spelling a Squid compares', () => {
  const access = readFileSync(`${EGRESS_DIRECTORY}squid-access.conf`, 'utf8')
  const patterns = [...access.matchAll(/^acl isatap dstdom_regex -n -i (.+)$/gm)].map(
    ([, pattern = '']) => new RegExp(pattern, 'i'),
  )
  const matched = (host: string) => patterns.some((pattern) => pattern.test(host))

  it.each(ISATAP)('FET-17: match %s', (address) => {
    expect([address, `[${address}]`].map(matched)).toEqual([true, true])
  })

  it.each([NOT_ISATAP, '2606:5efe::1', '2606:4700:1:2:3:4:5efe::'])('do not match %s', (address) => {
    expect([address, `[${address}]`].map(matched)).toEqual([false, false])
  })
})

function loadProxyRules(rig: Rig): void {
  rig.loadRules('prox', siteRules({ ports: [443], services: [] }), EGRESS_DIRECTORY)
}

/** The installed files with the two values that every operator has to set. */
function shippedConfiguration(): string {
  return readFileSync(`${EGRESS_DIRECTORY}squid.conf`, 'utf8')
    .replace('192.0.2.10', WORK_4)
    .replace('/etc/squid/squid-access.conf', `${EGRESS_DIRECTORY}squid-access.conf`)
}

/** The same with every line in force that is there for a site, and with addresses of the rig. */
function siteConfiguration(): string {
  return shippedConfiguration()
    .replace(/^# (?=acl |http_access )/gm, '')
    .replace('198.51.100.0/24', SITE_REFUSED)
    .replace('2001:db8::/32', SITE_REFUSED_6)
}

/** Warnings and errors of `squid -k parse`. */
function remarksOfSquid(rig: Rig, configuration: string): string[] {
  const directory = makeDirectory('cimd-squid-')
  const file = `${directory}/squid.conf`
  writeFileSync(file, configuration)
  const { status, stderr } = spawnSync('ip', inProxy(rig, '-k', 'parse', '-f', file), { encoding: 'utf8' })
  rmSync(directory, { recursive: true })
  const remarks = stderr.split('\n').filter((line) => /warning|error|fatal/i.test(line))
  return status === 0 ? remarks : [...remarks, `exit ${status}`]
}

function inProxy(rig: Rig, ...args: readonly string[]): string[] {
  return ['netns', 'exec', rig.name('prox'), 'squid', ...args]
}

/** Starts squid in the proxy's network. It says that it accepts connections a moment before it does. */
async function startSquid(rig: Rig, configuration: string): Promise<LocalServer> {
  const directory = makeDirectory('cimd-squid-')
  const file = `${directory}/squid.conf`
  writeFileSync(file, `${configuration}\npid_filename none\ncache_log /dev/null\naccess_log none\n`)
  const server = await startServer({
    command: 'ip',
    args: inProxy(rig, '-N', '-d', '1', '-f', file),
    directory,
    owner: undefined,
    readyLine: 'Accepting HTTP Socket connections',
    stopSignal: 'SIGINT',
  })
  await vi.waitUntil(() => isListening(rig), { timeout: 10_000 })
  return server
}

/** Whether anything listens on the proxy's port, by the tables of the kernel (proc(5)). */
function isListening(rig: Rig): boolean {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6']
  const { stdout } = spawnSync('ip', ['netns', 'exec', rig.name('prox'), 'cat', ...tables], {
    encoding: 'utf8',
  })
  const port = PROXY_PORT.toString(16).toUpperCase().padStart(4, '0')
  return new RegExp(`^ *\\d+: [0-9A-F]+:${port} [0-9A-F:]+ 0A `, 'm').test(stdout)
}
