import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyAddress, isLoopback } from './classify-address.ts'

const PUBLIC = [
  ['1.1.1.1', 'an ordinary address'],
  ['9.255.255.255', 'below 10.0.0.0/8'],
  ['11.0.0.0', 'above 10.0.0.0/8'],
  ['100.63.255.255', 'below 100.64.0.0/10'],
  ['100.128.0.0', 'above 100.64.0.0/10'],
  ['126.255.255.255', 'below 127.0.0.0/8'],
  ['128.0.0.0', 'above 127.0.0.0/8'],
  ['168.63.129.15', 'below the Azure host agent'],
  ['168.63.129.17', 'above the Azure host agent'],
  ['169.253.255.255', 'below 169.254.0.0/16'],
  ['169.255.0.0', 'above 169.254.0.0/16'],
  ['172.15.255.255', 'below 172.16.0.0/12'],
  ['172.32.0.0', 'above 172.16.0.0/12'],
  ['192.0.3.0', 'above 192.0.2.0/24'],
  ['192.167.255.255', 'below 192.168.0.0/16'],
  ['192.169.0.0', 'above 192.168.0.0/16'],
  ['198.17.255.255', 'below 198.18.0.0/15'],
  ['198.20.0.0', 'above 198.18.0.0/15'],
  ['223.255.255.255', 'below multicast'],
  ['93.184.215.14', 'an ordinary address'],
  ['2001:200::1', 'above 2001::/23'],
  ['2001:4860:4860::8888', 'an ordinary address'],
  ['2003::1', 'above 2002::/16'],
  ['2606:4700:4700::1111', 'an ordinary address'],
  ['3fff:1000::1', 'above 3fff::/20'],
] as const

const REFUSED = [
  // Rows of the IANA IPv4 special-purpose registry and what it lacks.
  ['0.0.0.0', '0.0.0.0/8'],
  ['0.1.2.3', '0.0.0.0/8'],
  ['10.0.0.0', '10.0.0.0/8'],
  ['10.255.255.255', '10.0.0.0/8'],
  ['100.64.0.1', '100.64.0.0/10'],
  ['100.127.255.255', '100.64.0.0/10'],
  ['127.0.0.1', '127.0.0.0/8'],
  ['127.255.255.255', '127.0.0.0/8'],
  ['168.63.129.16', '168.63.129.16/32'],
  ['169.254.169.254', '169.254.0.0/16'],
  ['169.254.170.2', '169.254.0.0/16'],
  ['172.16.0.1', '172.16.0.0/12'],
  ['172.31.255.255', '172.16.0.0/12'],
  ['192.0.0.1', '192.0.0.0/24'],
  ['192.0.0.8', '192.0.0.0/24'],
  ['192.0.0.9', '192.0.0.0/24'],
  ['192.0.0.10', '192.0.0.0/24'],
  ['192.0.0.170', '192.0.0.0/24'],
  ['192.0.0.192', '192.0.0.0/24'],
  ['192.0.2.1', '192.0.2.0/24'],
  ['192.31.196.1', '192.31.196.0/24'],
  ['192.52.193.1', '192.52.193.0/24'],
  ['192.88.99.1', '192.88.99.0/24'],
  ['192.168.0.1', '192.168.0.0/16'],
  ['192.175.48.1', '192.175.48.0/24'],
  ['198.18.0.1', '198.18.0.0/15'],
  ['198.19.255.255', '198.18.0.0/15'],
  ['198.51.100.1', '198.51.100.0/24'],
  ['203.0.113.1', '203.0.113.0/24'],
  ['224.0.0.1', '224.0.0.0/4'],
  ['239.255.255.250', '224.0.0.0/4'],
  ['240.0.0.1', '240.0.0.0/4'],
  ['255.255.255.255', '255.255.255.255/32'],
  // Rows of the IANA IPv6 special-purpose registry and what it lacks.
  ['::', '::/128'],
  ['::1', '::1/128'],
  ['::7f00:1', '::/96'],
  // Refused under a wrong name: ipaddr.js reads the dotted spelling of IPv4-compatible as mapped.
  ['::127.0.0.1', '::ffff:0:0/96'],
  ['::808:808', '::/96'],
  ['::ffff:127.0.0.1', '::ffff:0:0/96'],
  ['::ffff:8.8.8.8', '::ffff:0:0/96'],
  ['::ffff:a9fe:a9fe', '::ffff:0:0/96'],
  ['::ffff:0:a9fe:a9fe', '::ffff:0:0:0/96'],
  ['64:ff9b::a9fe:a9fe', '64:ff9b::/96'],
  ['64:ff9b::808:808', '64:ff9b::/96'],
  ['64:ff9b:1::a9fe:a9fe', '64:ff9b:1::/48'],
  ['100::1', '100::/64'],
  ['100:0:0:1::1', '100:0:0:1::/64'],
  ['2001::1', '2001::/32'],
  ['2001:0:4136:e378:8000:63bf:5601:5601', '2001::/32'],
  ['2001:1::1', '2001::/23'],
  ['2001:2::1', '2001:2::/48'],
  ['2001:3::1', '2001:3::/32'],
  ['2001:4:112::1', '2001:4:112::/48'],
  ['2001:10::1', '2001:10::/28'],
  ['2001:20::1', '2001:20::/28'],
  ['2001:30::1', '2001:30::/28'],
  ['2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001::/23'],
  ['2001:db8::1', '2001:db8::/32'],
  ['2002:7f00:1::1', '2002::/16'],
  ['2002:808:808::1', '2002::/16'],
  ['2620:4f:8000::1', '2620:4f:8000::/48'],
  ['3ffe::1', '3ffe::/16'],
  ['3fff::1', '3fff::/20'],
  ['5f00::1', '5f00::/16'],
  ['fc00::1', 'fc00::/7'],
  ['fd20:ce::254', 'fc00::/7'],
  ['fe80::1', 'fe80::/10'],
  ['febf::1', 'fe80::/10'],
  ['fec0::1', 'fec0::/10'],
  ['feff::1', 'fec0::/10'],
  ['ff02::1', 'ff00::/8'],
  // Everything else outside the space given out as global unicast, and routers hidden inside it.
  ['::1:0:0', 'outside 2000::/3'],
  ['200::1', 'outside 2000::/3'],
  ['400::1', 'outside 2000::/3'],
  ['1fff::1', 'outside 2000::/3'],
  ['4000::1', 'outside 2000::/3'],
  ['8000::1', 'outside 2000::/3'],
  ['c000::1', 'outside 2000::/3'],
  ['e000::1', 'outside 2000::/3'],
  ['2606:4700::5efe:a9fe:a9fe', '::5efe:0:0/96'],
  ['2606:4700::200:5efe:a9fe:a9fe', '::5efe:0:0/96'],
] as const

const UNPARSEABLE = [
  '',
  '1',
  '127.1',
  '0x7f.1',
  '0177.0.0.1',
  '2130706433',
  '017700000001',
  '127.0.0.1 ',
  '127.0.0.1\u0000',
  '[::1]',
  '::ffff:0177.0.0.1',
  '2606:4700:4700::1111%lo',
  'fe80::1%eth0',
  'example.com',
]

describe(classifyAddress, () => {
  it.each(PUBLIC)('FET-17: admits %s, %s', (address) => {
    expect(classifyAddress(address)).toEqual({ public: true })
  })

  it.each(REFUSED)('FET-12, FET-17: refuses %s as part of %s', (address, block) => {
    expect(classifyAddress(address)).toMatchObject({ public: false, block })
  })

  it.each(UNPARSEABLE)('FET-16: refuses %j, which is not an address in its plain spelling', (address) => {
    expect(classifyAddress(address)).toMatchObject({ public: false, block: 'unparseable' })
  })

  it('FET-17: admits no IPv6 address outside 2000::/3, whatever its bits', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const verdict = classifyAddress(address)
        return !verdict.public || /^[23][0-9a-f]{3}:/i.test(address)
      }),
    )
  })

  it('never throws, whatever a resolver returns', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof classifyAddress(text).public === 'boolean'))
  })
})

describe(isLoopback, () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1'])('FET-14: %s is loopback', (address) => {
    expect(isLoopback(classifyAddress(address))).toBe(true)
  })

  it.each(['10.0.0.1', '::ffff:127.0.0.1', '::7f00:1', '0.0.0.0', '1.1.1.1', 'localhost'])(
    'FET-14: %s is not loopback',
    (address) => {
      expect(isLoopback(classifyAddress(address))).toBe(false)
    },
  )
})
