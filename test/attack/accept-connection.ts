import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Authority } from '../harness/authority.ts'
import { BEHAVIOURS, type Behaviour, type BehaviourName, isBehaviour } from './behaviours.ts'
import type { TlsSetup } from './behaviours-tls.ts'
import { createIdentities, type Identities } from './identities.ts'
import { okMessage } from './messages.ts'
import type { Observations } from './observations.ts'
import { type RawRequest, serveHttp } from './serve-http.ts'
import { createWire, run, type Script } from './wire.ts'

/** What a listener does with a connection. */
export type Accept = (socket: Socket) => void

type ScriptFor = (socket: Socket, request: RawRequest) => Script
type TlsServer = { readonly setup: TlsSetup; readonly identities: Identities; readonly scriptFor: ScriptFor }

/** The listener that lets the path decide, beside one for each behaviour. */
export const BY_PATH = 'by_path'

const HONEST: TlsSetup = {}

/** How the listener of each behaviour accepts a connection; the one that refuses has none. */
export async function createAcceptors(
  authority: Authority,
  observed: Observations,
): Promise<ReadonlyMap<string, Accept>> {
  const honest = await createIdentities(authority, HONEST)
  const always = (name: string, respond: Script): ScriptFor => {
    return (_socket, request) => {
      observed.request(name, request)
      return respond
    }
  }
  const acceptAs = async (name: string, behaviour: Behaviour): Promise<Accept | undefined> => {
    if (behaviour.layer === 'refused') return undefined
    if (behaviour.layer === 'tcp') return acceptTcp(behaviour)
    const setup = behaviour.layer === 'tls' ? behaviour.setup : HONEST
    const identities = setup === HONEST ? honest : await createIdentities(authority, setup)
    return acceptTls({ setup, identities, scriptFor: always(name, scriptOf(behaviour)) }, observed)
  }

  const acceptors = new Map<string, Accept>()
  for (const [name, behaviour] of Object.entries<Behaviour>(BEHAVIOURS)) {
    const accept = await acceptAs(name, behaviour)
    if (accept !== undefined) acceptors.set(name, accept)
  }
  const byPath: TlsServer = { setup: HONEST, identities: honest, scriptFor: selectByPath(observed) }
  return acceptors.set(BY_PATH, acceptTls(byPath, observed))
}

function acceptTcp(behaviour: Extract<Behaviour, { layer: 'tcp' }>): Accept {
  return (socket) => {
    // Reads on and on: only a socket that is read notices that its peer has left.
    socket.on('data', () => undefined)
    void run(() => behaviour.accept(createWire(socket)))
  }
}

/** TLS by hand on an accepted connection, which leaves the TCP connection below within reach. */
function acceptTls({ setup, identities, scriptFor }: TlsServer, observed: Observations): Accept {
  return (tcp) => {
    const tls = new TLSSocket(tcp, {
      isServer: true,
      secureContext: identities.unnamed,
      ...setup.socket,
      SNICallback: (name, callback) => {
        identities.of(name).then(
          (context) => callback(null, context),
          (error) => callback(error),
        )
      },
    })
    // Clients that abandon a connection are what these servers are for.
    tls.on('error', () => undefined)
    tls.once('close', () => tcp.destroy())
    tcp.once('close', () => tls.destroy())
    tls.once('data', () => {
      if (tls.isSessionReused()) observed.resumption()
    })
    serveHttp(tls, createWire(tcp, tls), (request) => scriptFor(tcp, request))
  }
}

function selectByPath(observed: Observations): ScriptFor {
  return (socket, request) => {
    const name = selectedBy(request.path)
    observed.connections.rename(socket, name)
    observed.request(name, request)
    return scriptOf(BEHAVIOURS[name])
  }
}

function selectedBy(path: string): BehaviourName {
  const segment = path.split('/')[1] ?? ''
  return isBehaviour(segment) && BEHAVIOURS[segment].layer === 'http' ? segment : 's404'
}

function scriptOf(behaviour: Behaviour): Script {
  if (behaviour.layer === 'http') return behaviour.respond
  return (behaviour.layer === 'tls' ? behaviour.setup.respond : undefined) ?? answerWell
}

const answerWell: Script = async (exchange) => {
  await exchange.send(okMessage(exchange))
}
