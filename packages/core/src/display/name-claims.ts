import { parse } from 'tldts'
import { registrableDomainOf } from '../identifier/registrable-domain.ts'
import { type KnownIndex, nameSkeletonOf } from './known-index.ts'
import { HOST_NAME_LENGTH_MAX } from './redirects.ts'

const NOT_OF_A_HOST = /[^\p{L}\p{N}\p{M}.-]+/u
const FULL_STOPS = /[。｡．․]/g
/**
 * They make no other name: "GitHub Security Team" is read as GitHub. "for" is not among them: a client may be
 * for a service.
 */
const GENERIC_WORDS: ReadonlySet<string> = new Set(
  [
    'account ai api app apps auth cli client com connector corp desktop help inc io llc login ltd mcp mobile',
    'oauth official security sso support team the verified web',
  ]
    .join(' ')
    .split(' '),
)
const WORDS_MAX = 16

/**
 * A host or URL in a name that is not of the client's own registrable domain (UI-07): on the consent page it
 * would stand beside the true one. With A-labels; `://` where a URL has no host that is one.
 */
export function foreignHostIn(name: string, clientHost: string): string | undefined {
  const own = registrableDomainOf(clientHost)
  const hosts = hostsIn(name)
  const foreign = hosts.find((host) => registrableDomainOf(host) !== own)
  return foreign ?? (hosts.length === 0 && name.includes('://') ? '://' : undefined)
}

function hostsIn(name: string): readonly string[] {
  return name
    .normalize('NFKC')
    .replace(FULL_STOPS, '.')
    .split(NOT_OF_A_HOST)
    .map((token) => token.replace(/^[.-]+|[.-]+$/g, ''))
    .filter((token) => token.includes('.'))
    .flatMap((token) => URL.parse(`https://${token}/`)?.hostname ?? [])
    .filter((host) => host.length <= HOST_NAME_LENGTH_MAX)
    .filter(isOfRealSuffix)
}

// `Node.js` and `v1.2` are no hosts; `socket.io` is one, whatever was meant.
function isOfRealSuffix(host: string): boolean {
  const { isIcann, domain } = parse(host)
  return isIcann === true && domain !== null
}

// Skeletons are of small letters: `GoogIe`, with a capital I, has another than `Google`.
function readingsOf(text: string): readonly string[] {
  return [text, text.replaceAll('I', 'l')]
}

/**
 * The host of whoever is widely known under a name like this one, generic words aside, if it is not the
 * client's.
 */
export function knownNameOf(name: string, clientHost: string, known: KnownIndex): string | undefined {
  const own = registrableDomainOf(clientHost)
  const words = name.split(/[^\p{L}\p{N}]+/u, WORDS_MAX).filter((word) => word !== '')
  const specific = words.filter((word) => !GENERIC_WORDS.has(word.toLowerCase()))
  const found = [words, specific]
    .flatMap((some) => readingsOf(some.join('')))
    .map((text) => known.names.get(nameSkeletonOf(text)))
    .find((party) => party !== undefined)
  return found === undefined || found.domains.has(own) ? undefined : found.host
}
