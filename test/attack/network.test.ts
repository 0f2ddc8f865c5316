import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { missingForNamespaces, skipFor } from '../harness/requirements.ts'
import { MLD, raiseLink } from './network/late-link.ts'
import { OWN_PUBLIC, PROX_4 } from './network/namespaces.ts'
import { destinationOf, unconnectable } from './network/probe-addresses.ts'
import { collectAnswers, collectProbes } from './network/probes.ts'
import { type Outcome, type Rig, startRig } from './network/rig.ts'
import {
  arrivals,
  EGRESS_DIRECTORY,
  networkCases,
  PUBLIC,
  reached,
  SITE_REFUSED,
  siteRules,
  tcp,
  udp,
} from './network/targets.ts'

/** Far below the second after which TCP would try again, were a refusal silent. */
const PROMPT_MS = 700
/** A kernel takes its time to speak of its groups. */
const PATIENTLY = { timeout: 10_000 }
const RESOLVER = '10.53.53.53'
const POSTGRES = '10.54.54.54'
const SERVICES = [`${RESOLVER} . udp . 53`, `${RESOLVER} . tcp . 53`, `${POSTGRES} . tcp . 5432`]

const answers = collectAnswers()
const probes = collectProbes()
const addresses = probes.map(({ address }) => address)
const connectable = addresses.filter((address) => unconnectable(address) === undefined)
const publicOnes = probes.flatMap((probe) => (probe.public ? [probe.address] : [])).toSorted()

const { skipped, title } = skipFor(missingForNamespaces())

describe.skipIf(skipped)(title('the network around a fetcher'), () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await startRig()
  })
  afterEach(async () => {
    rig.flushRules('work')
    await rig.arrived()
  })
  afterAll(() => rig?.close())

  const arrived = async () => arrivals(await rig.arrived())
  const isLate = ({ elapsedMs }: Outcome): boolean => elapsedMs > PROMPT_MS
  const loadRules = () =>
    rig.loadRules('work', siteRules({ ports: [443], services: SERVICES }), EGRESS_DIRECTORY)

  describe('with no rule at all, so that the tests below are known to see a leak', () => {
    it('reaches every address that TCP can be tried with, special-use or not', async () => {
      expect(reached(await rig.probe(connectable.map((address) => tcp(address))))).toEqual(
        connectable.toSorted(),
      )
      const expected = connectable.map((address) => `tcp ${destinationOf(address)} 443`)
      expect(await arrived()).toEqual([...new Set(expected)].toSorted())
    })

    it('reaches nobody at the others: broadcast, multicast and link-local', async () => {
      const others = addresses.filter((address) => unconnectable(address) !== undefined)
      expect(reached(await rig.probe(others.map((address) => tcp(address))))).toEqual([])
      expect(await arrived()).toEqual([])
    })

    it('reaches other ports and name servers, and UDP', async () => {
      const targets = [tcp(PUBLIC, 80), udp(PUBLIC, 443), udp('8.8.8.8', 53), tcp('8.8.8.8', 53)]
      expect(reached(await rig.probe(targets))).toHaveLength(targets.length)
      expect(await arrived()).toHaveLength(targets.length)
    })
  })

  describe('with the rules and none of our code', () => {
    it('FET-12, FET-17, FET-18: reaches the public addresses and no other, and waits for no refusal', async () => {
      loadRules()
      const outcomes = await rig.probe(addresses.map((address) => tcp(address)))
      expect(reached(outcomes)).toEqual(publicOnes)
      expect(outcomes.filter(({ answer }) => answer === 'timeout')).toEqual([])
      for (const { address } of outcomes.filter(isLate)) {
        let alone = await rig.probe([tcp(address)])
        for (let again = 0; again < 8 && alone.some(isLate); again += 1)
          alone = await rig.probe([tcp(address)])
        expect(alone.filter(isLate), `alone, after hundreds at once`).toEqual([])
      }
      expect(await arrived()).toEqual(publicOnes.map((address) => `tcp ${address} 443`))
    })

    it.each(networkCases())(
      'FET-18, $id, without a proxy: allowed is $allowed',
      async ({ target, allowed }) => {
        loadRules()
        const [outcome] = await rig.probe([target])
        expect(outcome?.answer).toEqual(allowed ? 'reached' : expect.stringMatching(/^E[A-Z]+$/))
        expect(await arrived()).toHaveLength(allowed ? 1 : 0)
      },
    )

    it('FET-18: reaches the services of the site, on their ports and protocols alone', async () => {
      loadRules()
      const services = [udp(RESOLVER, 53), tcp(RESOLVER, 53), tcp(POSTGRES, 5432)]
      const others = [tcp(RESOLVER, 80), tcp(POSTGRES, 443), udp(POSTGRES, 53), tcp(PUBLIC, 5432)]
      const outcomes = await rig.probe([...services, ...others])
      expect(outcomes.map(({ answer }) => answer === 'reached')).toEqual(
        [...services, ...others].map((target) => services.includes(target)),
      )
    })

    it('FET-18: refuses what the site has set aside, and the public addresses of the fetcher itself', async () => {
      const targets = [tcp(SITE_REFUSED), tcp(OWN_PUBLIC), tcp(PUBLIC)]
      expect(reached(await rig.probe(targets))).toHaveLength(3)
      loadRules()
      expect(reached(await rig.probe(targets))).toEqual([PUBLIC])
    })

    it('FET-18: counts what got past the fetcher, by what was wrong with it', async () => {
      loadRules()
      await rig.probe([
        tcp('169.254.169.254'),
        tcp('fd00:ec2::254'),
        udp(PUBLIC, 443),
        tcp(PUBLIC, 22),
        tcp(PUBLIC),
      ])
      const counters = ['refused_address', 'refused_protocol', 'refused_port']
      expect(counters.map((counter) => rig.countOf('work', counter))).toEqual([2, 1, 1])
    })

    it.each([
      { version: 2, joined: MLD.report2, left: MLD.report2 },
      { version: 1, joined: MLD.report, left: MLD.done },
    ] as const)(
      'FET-18: refuses and counts nothing of an interface that comes up later and speaks MLDv$version',
      async ({ version, joined, left }) => {
        loadRules()
        const link = raiseLink(rig.name('work'), version)
        try {
          await expect.poll(link.sentTypes, PATIENTLY).toContain(joined)
          link.leaveGroup()
          await expect.poll(link.sentTypes, PATIENTLY).toContain(left)
          expect(rig.countOf('work', 'refused_address')).toBe(0)
        } finally {
          link.remove()
        }
      },
    )

    it('FET-18: leaves a fetcher that has a proxy no other way out', async () => {
      const proxy = `${PROX_4} . tcp . 3128`
      rig.loadRules('work', siteRules({ ports: [], services: [proxy] }), EGRESS_DIRECTORY)
      expect(reached(await rig.probe(addresses.map((address) => tcp(address))))).toEqual([])
      expect(await arrived()).toEqual([])
    })
  })

  describe('with our code and none of the rules', () => {
    it('FET-12, FET-16, FET-17: connects to the public addresses and to no other', async () => {
      const results = await rig.fetchFrom({ addresses: answers.map(({ address }) => address) })
      const connected = results.flatMap(({ address, code }) => (code === 'address_blocked' ? [] : [address]))
      const allowed = answers.flatMap((answer) => (answer.public ? [answer.address] : []))
      expect(connected).toEqual(allowed)
      expect(await arrived()).toEqual(allowed.map((address) => `tcp ${address} 443`).toSorted())
    })
  })

  it('FET-18: the file that operators edit loads as it is, and again over itself', () => {
    const site = readFileSync(`${EGRESS_DIRECTORY}site.nft`, 'utf8')
    rig.loadRules('work', site, EGRESS_DIRECTORY)
    rig.loadRules('work', site, EGRESS_DIRECTORY)
    expect(rig.countOf('work', 'refused_address')).toBe(0)
  })
})
