import { createSecureContext, setDefaultCACertificates } from 'node:tls'
import { createResolver, type Dial, dialTcp, type Resolve } from '@cimd/egress'
import { DOMAIN, PUBLIC_ADDRESS } from './egress-cases.ts'
import { createGuardedGet } from './egress-guarded.ts'
import { createPlainGet, createQuestions, createResumingGet, type Get, type Lookup } from './egress-plain.ts'
import { type RemoteSite, startRemoteSite } from './egress-remote-site.ts'
import { measureSideBySide, type SideBySide, type SideBySideSize } from './egress-side-by-side.ts'

/** The guarded GET beside a plain one of the same document. */
export type GuardedGet = {
  /** Both ask the same name server. */
  readonly asking: SideBySide
  /** Both are given the address. */
  readonly given: SideBySide
  /** The name server alone, asked plainly and by our resolver. */
  readonly resolution: SideBySide
}

const URL_OF_DOCUMENT = `https://www.${DOMAIN}/oauth/client.json`
const LOOPBACK = { address: '127.0.0.1', httpsPort: 0, httpPort: 0, dnsPort: 0 }

/** Measures all of it on loopback. */
export async function measureGuardedGet(size: SideBySideSize): Promise<GuardedGet> {
  await using site = await startRemoteSite({ ...LOOPBACK, resumption: true })
  // As in production, where the plain side gives no authorities of its own and Node has its store ready.
  setDefaultCACertificates([site.ca])
  const server = `127.0.0.1:${site.dnsPort}`
  const questions = createQuestions(server)
  const resolve = createResolver({ servers: [server] })
  const host = new URL(URL_OF_DOCUMENT).hostname
  return {
    asking: await measureSideBySide(sidesOf(site, questions, resolve), size),
    given: await measureSideBySide(
      sidesOf(
        site,
        async () => [PUBLIC_ADDRESS],
        async () => [PUBLIC_ADDRESS],
      ),
      size,
    ),
    resolution: await measureSideBySide(
      [
        { name: 'two questions', run: () => questions(host) },
        { name: 'our resolver', run: () => resolve(host, new AbortController().signal) },
      ],
      size,
    ),
  }
}

function sidesOf(site: RemoteSite, questions: Lookup, resolve: Resolve) {
  // Whatever the name resolves to, it is on loopback at the port the site has got.
  const lookup: Lookup = async (host) => (await questions(host)).map(() => '127.0.0.1')
  const port = site.httpsPort
  const secureContext = createSecureContext({ ca: site.ca, minVersion: 'TLSv1.2' })
  const dial: Dial = (_address, _port, signal) => dialTcp('127.0.0.1', port, signal)
  const sides: Readonly<Record<string, Get>> = {
    'plain GET': createPlainGet({ lookup, port }),
    'guarded GET': createGuardedGet({ ca: site.ca, resolve, dial }),
    'guarded GET, its questions put by the plain one': createGuardedGet({
      ca: site.ca,
      resolve: questions,
      dial,
    }),
    'plain GET, trust made once for all': createPlainGet({ lookup, port, secureContext }),
    'plain GET, one agent that resumes sessions': createResumingGet({ lookup, port }),
  }
  return Object.entries(sides).map(([name, get]) => ({ name, run: () => get(URL_OF_DOCUMENT) }))
}
