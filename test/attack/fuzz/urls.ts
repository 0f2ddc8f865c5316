import fc from 'fast-check'
import { ipv4Numbers, ipv6Texts } from './addresses.ts'

const FULL_WIDTH_ZERO = 0xff10
const CIRCLED_DIGITS = '⓪①②③④⑤⑥⑦⑧⑨'

const SPECIAL_NAMES: readonly string[] = [
  'localhost LOCALHOST localhost. sub.localhost localhost.localdomain ip6-localhost router.lan printer.local',
  'a.onion a.test a.invalid example home.arpa 1.0.0.127.in-addr.arpa metadata.google.internal',
  'kubernetes.default.svc intranet a com . .. * a..com 127.0.0.1.nip.io xn-- xn--a.com -a.com a_b.com ａ.com',
  'ⓔxample.com exam\u00adple.com',
].flatMap((line) => line.split(' '))

const SCHEMES = ['https://', 'https://', 'https://', 'HTTPS://', 'http://', 'https:', 'https:\\\\', '//', '']
const PORTS: readonly string[] = ':443 :80 :0443 : :0 :65979 :-1 :４４３ :22 :443a'.split(' ')
const PATHS = ['/client.json', '/', '', '/%2e%2e/', '?a', '#', '/@', '\\']

const digitsAs = (digit: (value: number) => string) => (text: string) =>
  text.replace(/\d/g, (character) => digit(Number(character)))

const asIs = (text: string) => text
const DISGUISES: readonly ((text: string) => string)[] = [
  asIs,
  asIs,
  asIs,
  digitsAs((digit) => String.fromCharCode(FULL_WIDTH_ZERO + digit)),
  digitsAs((digit) => CIRCLED_DIGITS.charAt(digit)),
  (text) => text.replace(/./gs, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`),
  (text) => text.replaceAll('.', '。'),
  (text) => text.replaceAll('.', '%2e'),
  (text) => `${text}.`,
  (text) => `0${text}`,
]

const RADICES: readonly ((part: bigint) => string)[] = [
  String,
  (part) => `0x${part.toString(16)}`,
  (part) => `0X${part.toString(16).toUpperCase().padStart(10, '0')}`,
  (part) => `0${part.toString(8)}`,
  (part) => `000${part.toString(8)}`,
  (part) => String(part + 2n ** 32n),
]

/** IPv4 addresses as inet_aton and the URL standard read them: one to four parts, each decimal, hex or octal. */
const ipv4Hosts = fc
  .record({
    number: ipv4Numbers,
    partCount: fc.constantFrom(1, 2, 3, 4, 4, 4),
    radices: fc.array(fc.constantFrom(...RADICES), { minLength: 4, maxLength: 4 }),
    isPlain: fc.boolean(),
    disguise: fc.constantFrom(...DISGUISES),
  })
  .map(({ number, partCount, radices, isPlain, disguise }) => {
    const parts = shortParts(number, partCount)
    return disguise(parts.map((part, at) => (isPlain ? String(part) : radices[at]?.(part))).join('.'))
  })

const ipv6Hosts = fc
  .tuple(ipv6Texts, fc.constantFrom('', '', '', '', '%lo', '%25eth0', '%', '.', ':', '::'))
  .map(([address, mark]) => `[${address}${mark}]`)

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/)
/** Names as honest clients have them. */
const honestHosts = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), fc.constantFrom('com', 'org', 'dev', 'co.uk'))
  .map(([labels, suffix]) => [...labels, suffix].join('.'))

const hosts: fc.Arbitrary<string> = fc.oneof(
  ipv4Hosts,
  ipv6Hosts,
  honestHosts,
  fc.mixedCase(honestHosts),
  fc.constantFrom(...SPECIAL_NAMES),
  fc.domain(),
  fc.string({ unit: 'grapheme' }),
)

const honestUrls = honestHosts.map((host) => `https://${host}/client.json`)

const writtenUrls = fc
  .record({
    scheme: fc.constantFrom(...SCHEMES),
    userinfo: fc.oneof(
      { weight: 6, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom('@', ':@', 'user:password@', 'a%40b@') },
      { weight: 1, arbitrary: hosts.chain((host) => fc.constantFrom(`${host}@`, `${host}\\@`, `${host}#@`)) },
    ),
    host: hosts,
    port: fc.oneof(
      { weight: 2, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom(...PORTS) },
    ),
    path: fc.oneof(fc.constantFrom(...PATHS), fc.webPath()),
  })
  .map(({ scheme, userinfo, host, port, path }) => `${scheme}${userinfo}${host}${port}${path}`)

const damagedUrls = fc
  .tuple(writtenUrls, fc.nat(), fc.string({ unit: 'binary', maxLength: 2 }), fc.nat(2))
  .map(([url, at, noise, removed]) => {
    const start = at % (url.length + 1)
    return `${url.slice(0, start)}${noise}${url.slice(start + removed)}`
  })

/** Whatever somebody might have us fetch. */
export const urls: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: honestUrls },
  { weight: 8, arbitrary: writtenUrls },
  { weight: 3, arbitrary: damagedUrls },
  { weight: 1, arbitrary: fc.webUrl({ validSchemes: ['https'], withQueryParameters: true }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

/** So many parts, the last of which holds all that is left of the 32 bits. */
function shortParts(number: bigint, count: number): readonly bigint[] {
  const leading = Array.from({ length: count - 1 }, (_, at) => (number >> BigInt(24 - 8 * at)) & 0xffn)
  return [...leading, number & (2n ** BigInt(8 * (5 - count)) - 1n)]
}
