import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyAddress, createClassifier } from './classify-address.ts'
import { SPECIAL_USE_BLOCKS } from './special-use-blocks.ts'

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
  ['0.0.0.0', '0.0.0.0/32'],
  ['0.1.2.3', '0.0.0.0/8'],
  ['10.0.0.0', '10.0.0.0/8'],
  ['10.255.255.255', '10.0.0.0/8'],
  ['100.64.0.1', '100.64.0.0/10'],
  ['100.127.255.255', '100.64.0.0/10'],
  ['100.100.100.200', '100.100.100.200/32'],
  ['127.0.0.1', '127.0.0.0/8'],
  ['127.255.255.255', '127.0.0.0/8'],
  ['168.63.129.16', '168.63.129.16/32'],
  ['169.254.1.1', '169.254.0.0/16'],
  ['169.254.169.254', '169.254.169.254/32'],
  ['169.254.170.2', '169.254.170.2/32'],
  ['172.16.0.1', '172.16.0.0/12'],
  ['172.31.255.255', '172.16.0.0/12'],
  ['192.0.0.1', '192.0.0.0/29'],
  ['192.0.0.8', '192.0.0.8/32'],
  ['192.0.0.9', '192.0.0.9/32'],
  ['192.0.0.10', '192.0.0.10/32'],
  ['192.0.0.11', '192.0.0.0/24'],
  ['192.0.0.170', '192.0.0.170/32'],
  ['192.0.0.171', '192.0.0.171/32'],
  ['192.0.0.192', '192.0.0.192/32'],
  ['192.0.2.1', '192.0.2.0/24'],
  ['192.31.196.1', '192.31.196.0/24'],
  ['192.52.193.1', '192.52.193.0/24'],
  ['192.88.99.1', '192.88.99.0/24'],
  ['192.88.99.2', '192.88.99.2/32'],
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
  ['2001:1::1', '2001:1::1/128'],
  ['2001:1::4', '2001::/23'],
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
  ['fd20:ce::254', 'fd20:ce::254/128'],
  ['fd00:ec2::254', 'fd00:ec2::254/128'],
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
    expect(classifyAddress(address)).toEqual({ public: true, class: 'public' })
  })

  it.each(REFUSED)('FET-12, FET-17: refuses %s as part of %s', (address, block) => {
    expect(classifyAddress(address)).toMatchObject({ public: false, why: { block } })
  })

  it.each(UNPARSEABLE)('FET-16: refuses %j, which is not an address in its plain spelling', (address) => {
    expect(classifyAddress(address)).toMatchObject({ public: false, class: 'unparsable' })
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

describe('the loopback exception', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1'])('FET-14: %s is loopback', (address) => {
    expect(classifyAddress(address).class).toBe('loopback')
  })

  it.each(['10.0.0.1', '::ffff:127.0.0.1', '::7f00:1', '0.0.0.0', '1.1.1.1', 'localhost'])(
    'FET-14: %s is not loopback',
    (address) => {
      expect(classifyAddress(address).class).not.toBe('loopback')
    },
  )
})

describe('the tables', () => {
  it('FET-17: tell for each block where it comes from', () => {
    for (const { block, name, rfc, registry } of SPECIAL_USE_BLOCKS) {
      expect(block).toMatch(/^[0-9a-f:.]+\/\d+$/)
      expect(name).not.toBe('')
      if (registry === 'iana') expect(rfc).toMatch(/^RFC \d+/)
    }
  })

  it('hold each block once', () => {
    const blocks = SPECIAL_USE_BLOCKS.map(({ block }) => block)
    expect(new Set(blocks).size).toBe(blocks.length)
  })
})

describe(createClassifier, () => {
  const denying = createClassifier({ deniedBlocks: ['93.184.0.0/16', '2606:4700::/32', '10.1.0.0/16'] })

  it.each([
    ['93.184.215.14', '93.184.0.0/16'],
    ['2606:4700::1', '2606:4700::/32'],
    ['10.1.2.3', '10.1.0.0/16'],
  ])('refuses %s, which the operator denies', (address, block) => {
    expect(denying(address)).toMatchObject({ public: false, why: { block, registry: 'operator' } })
  })

  it('refuses what is special-use and admits what is not, whatever the operator denies', () => {
    expect(denying('10.2.0.1')).toMatchObject({ public: false, why: { block: '10.0.0.0/8' } })
    expect(denying('1.1.1.1').public).toBe(true)
  })

  it.each(['93.184.215.14', '10.0.0.0/33', '::/129', 'example.com/8', ''])(
    'throws for %j, no block',
    (block) => {
      expect(() => createClassifier({ deniedBlocks: [block] })).toThrow(TypeError)
    },
  )

  it.each(['198.51/16', '010.0.0.0/8', '0x8.0.0.0/8', '134744072/32', 'fe80::%eth0/64', '/8'])(
    'FET-12: throws for %j, which would deny other addresses than it seems to, and says what to write',
    (block) => {
      expect(() => createClassifier({ deniedBlocks: [block] })).toThrow(/write all of it, such as/)
    },
  )

  it('FET-12: throws for a block mapped into IPv6, which would deny nothing', () => {
    expect(() => createClassifier({ deniedBlocks: ['::ffff:8.8.8.0/120'] })).toThrow(
      new TypeError('::ffff:8.8.8.0/120 is mapped into IPv6: write it as IPv4, such as 8.8.8.0/24'),
    )
  })

  describe('on an IPv6-only network', () => {
    // RFC 6052 section 2.4 writes 192.0.2.33 in each; 192.0.2.0/24 being documentation, 93.184.215.14 stands in.
    const PREFIXES = ['2a00:db8::/32', '2a01:db8:100::/40', '2a02:db8:122::/48', '2a03:db8:122:300::/56']
    const translating = createClassifier({
      nat64Prefixes: ['64:ff9b::/96', ...PREFIXES, '2a04:db8:122:344::/64', '2a05:db8:122:344::/96'],
      deniedBlocks: ['151.101.0.0/16', '2a05:db8:122:344:0:0:101::/112'],
    })

    it.each([
      '64:ff9b::5db8:d70e',
      '2a00:db8:5db8:d70e::',
      '2a01:db8:15d:b8d7:e::',
      '2a02:db8:122:5db8:d7:e00::',
      '2a03:db8:122:35d:b8:d70e::',
      '2a04:db8:122:344:5d:b8d7:e00:0',
      '2a05:db8:122:344::5db8:d70e',
    ])('FET-17: admits %s, in which a translator reads 93.184.215.14', (address) => {
      expect(translating(address)).toEqual({ public: true, class: 'nat64' })
    })

    it.each([
      ['64:ff9b::a9fe:a9fe', '169.254.169.254/32'],
      ['64:ff9b::7f00:1', '127.0.0.0/8'],
      ['64:ff9b::a83f:8110', '168.63.129.16/32'],
      ['2a00:db8:a9fe:a9fe::', '169.254.169.254/32'],
      ['2a03:db8:122:3a9:fe:a9fe::', '169.254.169.254/32'],
      ['64:ff9b::9765:1', '151.101.0.0/16'],
    ])('FET-17: refuses %s for the %s it embeds', (address, block) => {
      expect(translating(address)).toMatchObject({ public: false, class: 'special', why: { block } })
    })

    it('FET-17: refuses the prefixes of others, and translated addresses without the option', () => {
      expect(translating('64:ff9b:1::5db8:d70e').public).toBe(false)
      expect(classifyAddress('64:ff9b::5db8:d70e').public).toBe(false)
    })

    it.each([[['64:ff9b:1::/48', '64:ff9b:1:abcd::/96']], [['64:ff9b:1:abcd::/96', '64:ff9b:1::/48']]])(
      'FET-17: judges what each of overlapping prefixes embeds, whatever their order: %j',
      (nat64Prefixes) => {
        const overlapping = createClassifier({ nat64Prefixes })
        // By the longer prefix 169.254.169.254, by the shorter one 171.205.0.169; then the other way round.
        expect(overlapping('64:ff9b:1:abcd::a9fe:a9fe')).toMatchObject({
          public: false,
          why: { block: '169.254.169.254/32' },
        })
        const inner = createClassifier({ nat64Prefixes: ['2a02:db8:122::/48', '2a02:db8:122:a9fe::/64'] })
        expect(inner('2a02:db8:122:a9fe:5d:b8d7:e00:0')).toMatchObject({
          public: false,
          why: { block: '169.254.0.0/16' },
        })
        expect(overlapping('64:ff9b:1:abcd::5db8:d70e')).toEqual({ public: true, class: 'nat64' })
      },
    )

    it('still judges IPv4 and IPv6 as such', () => {
      expect(translating('93.184.215.14')).toEqual({ public: true, class: 'public' })
      expect(translating('127.0.0.1').class).toBe('loopback')
      expect(translating('fd00::1').public).toBe(false)
    })

    it.each(['64:ff9b::/95', '10.0.0.0/8', '64:ff9b::', 'x'])(
      'throws for %j, no prefix of RFC 6052',
      (prefix) => {
        expect(() => createClassifier({ nat64Prefixes: [prefix] })).toThrow(TypeError)
      },
    )
  })
})
