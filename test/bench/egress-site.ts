import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Authority, createAuthority } from '../harness/authority.ts'
import { documentAt } from './documents.ts'
import { caseOf, DOMAIN, MUTE_ADDRESS, PUBLIC_ADDRESS } from './egress-cases.ts'
import { misbehave } from './egress-misbehaviour.ts'
import { startNameServer, type Zone } from './egress-name-server.ts'

/** Where the site listens; 0 takes any port. */
export type SiteSettings = {
  readonly address: string
  readonly httpsPort: number
  readonly httpPort: number
  readonly dnsPort: number
  /** Whether sessions may be resumed. */
  readonly resumption: boolean
}

const TICKET_KEY_BYTES = 48

/** What there is to know about a site that runs. */
export type SiteFacts = {
  readonly httpsPort: number
  readonly dnsPort: number
  readonly ca: string
}

/** How often each of its own addresses was connected to. */
export type Connections = Readonly<Record<string, number>>

/** Starts publishers, honest and hostile, their name server, and what they would like to reach. */
export async function startSite(settings: SiteSettings): Promise<SiteFacts & { connections(): Connections }> {
  const authority = await createAuthority()
  const counts: Record<string, number> = {}
  const secure = createHttpsServer(
    { SNICallback: createIdentities(authority), ...(await authority.issue([DOMAIN])) },
    publish,
  )
  const front = createTcpServer((socket) => {
    const address = count(counts, socket)
    socket.on('error', () => undefined)
    // A ticket is worth nothing once the key it was made with is forgotten; TLS 1.3 has no other way to refuse them.
    if (!settings.resumption) secure.setTicketKeys(randomBytes(TICKET_KEY_BYTES))
    if (address !== MUTE_ADDRESS) secure.emit('connection', socket)
  })
  const inside = createHttpServer(publish).on('connection', (socket) => count(counts, socket))
  const httpsPort = await listen(front, settings.httpsPort, settings.address)
  await listen(inside, settings.httpPort, settings.address)
  const names = await startNameServer(settings.dnsPort, createZone())
  return { httpsPort, dnsPort: names.address().port, ca: authority.ca, connections: () => ({ ...counts }) }
}

async function listen(server: Server, port: number, address: string): Promise<number> {
  server.listen(port, address)
  await once(server, 'listening')
  // A TCP server always listens on an AddressInfo; the other kinds belong to pipes.
  return (server.address() as AddressInfo).port
}

function count(counts: Record<string, number>, { localAddress = '' }: Socket): string {
  const address = localAddress.replace(/^::ffff:/, '')
  counts[address] = (counts[address] ?? 0) + 1
  return address
}

function createZone(): Zone {
  const asked = new Map<string, number>()
  return (name, family) => {
    const hostile = caseOf(name)
    if (hostile === undefined) return family === 4 ? [PUBLIC_ADDRESS] : []
    const times = asked.get(`${name} ${family}`) ?? 0
    asked.set(`${name} ${family}`, times + 1)
    const answer = hostile.answers[times] ?? hostile.answers.at(-1) ?? []
    return answer.filter((address) => address.includes(':') === (family === 6))
  }
}

type Identify = (host: string, callback: (error: Error | null, context?: SecureContext) => void) => void

function createIdentities(authority: Authority): Identify {
  const issued = new Map<string, Promise<SecureContext>>()
  const issue = async (host: string): Promise<SecureContext> => {
    const label = caseOf(host)?.label
    const issuer = label === 'unknown-issuer' ? await createAuthority() : authority
    const leaf = await issuer.issue([label === 'wrong-name' ? `another.${DOMAIN}` : host])
    return createSecureContext(leaf)
  }
  return (host, callback) => {
    const context = issued.get(host) ?? issue(host)
    issued.set(host, context)
    context.then(
      (found) => callback(null, found),
      (error) => callback(error),
    )
  }
}

const DOCUMENT = JSON.stringify(documentAt(0))

function publish(request: IncomingMessage, response: ServerResponse): void {
  const label = caseOf(request.headers.host ?? '')?.label
  const { localAddress = '' } = request.socket
  // Nobody may keep the connection: what is compared is a fetch of a stranger's document, each with its own.
  response.setHeader('connection', 'close')
  response.setHeader('content-type', 'application/json')
  if (label !== undefined && localAddress.endsWith(PUBLIC_ADDRESS) && misbehave(label, response)) return
  response.end(DOCUMENT)
}
