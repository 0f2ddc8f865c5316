/** The domain whose names the site of the bench answers for; it is asked for on loopback or in a namespace alone. */
export const DOMAIN = 'bench-publisher.net'
/** Where an honest publisher is, as far as anybody can tell; in the namespace it is an address of `lo`. */
export const PUBLIC_ADDRESS = '93.184.215.14'
/** Accepts connections and never says a word. */
export const MUTE_ADDRESS = '93.184.215.15'

/** What a publisher of ill will does, as the name of the host tells the site. */
export type HostileCase = {
  readonly label: string
  readonly title: string
  /** What the name resolves to, from the first question on; the last answer stands for all that follow. */
  readonly answers: readonly (readonly string[])[]
  /** Asked for instead of the name. */
  readonly literal?: string
  /** Only time ends it. */
  readonly endless?: true
}

const PUBLIC = [[PUBLIC_ADDRESS]]

const leadingTo = (label: string, address: string, title: string): HostileCase => ({
  label,
  title: `${address}, ${title}`,
  answers: [[address]],
})

const saying = (label: string, title: string): HostileCase => ({ label, title, answers: PUBLIC })

/** Each is refused by whoever is careful, for the reason the title gives. */
export const CASES: readonly HostileCase[] = [
  leadingTo('loopback', '127.0.0.1', 'loopback'),
  leadingTo('private', '10.0.0.1', 'private use'),
  leadingTo('metadata', '169.254.169.254', 'cloud metadata'),
  leadingTo('azure', '168.63.129.16', 'Azure host agent'),
  leadingTo('alibaba', '100.100.100.200', 'Alibaba metadata'),
  leadingTo('oracle', '192.0.0.192', 'Oracle metadata'),
  leadingTo('as112', '192.175.48.1', 'AS112, special-use'),
  leadingTo('mapped', '::ffff:7f00:1', 'loopback, mapped'),
  leadingTo('compatible', '::7f00:1', 'loopback, compatible'),
  leadingTo('nat64', '64:ff9b::a9fe:a9fe', 'metadata, NAT64'),
  leadingTo('nat64-local', '64:ff9b:1::a9fe:a9fe', 'the same, local'),
  leadingTo('6to4', '2002:7f00:1::1', 'loopback, 6to4'),
  leadingTo('isatap', '2606:4700::5efe:a9fe:a9fe', 'metadata, ISATAP'),
  leadingTo('aws-ipv6', 'fd00:ec2::254', 'AWS metadata'),
  leadingTo('site-local', 'fec0::1', 'site-local'),
  leadingTo('unallocated', '4000::1', 'nobody has it'),
  { label: 'mixed', title: 'public and private at once', answers: [[PUBLIC_ADDRESS, '10.0.0.1']] },
  {
    label: 'rebinding',
    title: 'public first, then loopback',
    answers: [[PUBLIC_ADDRESS], ['127.0.0.1']],
  },
  { label: 'literal', title: 'https://127.0.0.1/ itself', answers: [], literal: '127.0.0.1' },
  saying('redirect', 'redirect to cloud metadata'),
  saying('wrong-name', 'certificate of another name'),
  saying('unknown-issuer', 'certificate nobody vouches for'),
  saying('truncated', 'body shorter than announced'),
  saying('big', 'body of 20 MB'),
  saying('bomb', 'gzip bomb, 100 MB in 100 kB, unasked'),
  { ...saying('trickle', 'a byte of the body every 0.2 s'), endless: true },
  { ...saying('headers', 'a header every 0.2 s'), endless: true },
  { ...saying('silence', 'no answer after the handshake'), endless: true },
  { label: 'mute', title: 'no handshake', answers: [[MUTE_ADDRESS]], endless: true },
]

/** All addresses that have to be there for the cases to be what they say, mapped ones excepted. */
export const ADDRESSES: readonly string[] = [
  PUBLIC_ADDRESS,
  MUTE_ADDRESS,
  ...CASES.flatMap(({ answers }) => answers.flat()).filter(
    (address) => address !== PUBLIC_ADDRESS && address !== MUTE_ADDRESS && address !== '127.0.0.1',
  ),
].filter((address, index, all) => !address.startsWith('::ffff:') && all.indexOf(address) === index)

/** Whether a connection there is one that nobody from outside may cause. */
export function isInside(address: string): boolean {
  return address !== PUBLIC_ADDRESS && address !== MUTE_ADDRESS
}

/** The name by which one contender meets a case: its own, so that answers are counted apart. */
export function hostOf(label: string, contender: string): string {
  return `${label}.${contender}.${DOMAIN}`
}

/** The case a name stands for; undefined for an honest publisher. */
export function caseOf(host: string): HostileCase | undefined {
  const [label] = host.split('.')
  return CASES.find((hostile) => hostile.label === label)
}
