import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

// Answers on every address of its namespace and remembers who was called. Its first byte tells a caller that the
// connection has been counted. Asked for a report by a message, it answers with what it has seen since the last one.

const TCP_PORTS = [53, 80, 443, 5432, 8443]
const UDP_PORTS = [53, 443]
const GREETING = '!'

let seen: string[] = []

await Promise.all([...TCP_PORTS.map(listenTcp), ...UDP_PORTS.map(listenUdp)])
process.on('message', () => {
  process.send?.(seen)
  seen = []
})
process.once('disconnect', () => process.exit())
process.send?.('listening')

async function listenTcp(port: number): Promise<void> {
  const server = createServer((socket) => {
    seen.push(`tcp ${socket.localAddress} ${port}`)
    socket.on('error', () => undefined)
    socket.end(GREETING)
  })
  server.listen(port, '::')
  await once(server, 'listening')
}

async function listenUdp(port: number): Promise<void> {
  const socket = createSocket('udp6')
  // A datagram does not tell where it was sent to; the probe writes it down.
  socket.on('message', (destination, peer) => {
    seen.push(`udp ${destination} ${port}`)
    socket.send(GREETING, peer.port, peer.address)
  })
  socket.bind(port, '::')
  await once(socket, 'listening')
}
