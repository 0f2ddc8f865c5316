import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Outcome, Target } from '../rig.ts'

// Connects to all targets of a message at once, without any of our own code in between, and answers with the outcomes.

const TIMEOUT_MS = 10_000

process.on('message', (targets: readonly Target[]) => {
  Promise.all(targets.map(probe)).then(
    (outcomes) => process.send?.(outcomes),
    (error) => {
      throw error
    },
  )
})
process.send?.('listening')

async function probe(target: Target): Promise<Outcome> {
  const startedAt = performance.now()
  const answer = await (target.protocol === 'tcp' ? probeTcp(target) : probeUdp(target))
  return { ...target, answer, elapsedMs: performance.now() - startedAt }
}

function probeTcp({ address, port, through }: Target): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({ host: through?.address ?? address, port: through?.port ?? port })
  if (through !== undefined) socket.write(connectRequest(address, port))
  socket.on('data', (bytes) => {
    const [status] = /^HTTP\/1\.. \d+/.exec(bytes.toString()) ?? []
    // The greeting of the sink comes after the proxy's 200, or with it.
    if (status?.endsWith('200') && !bytes.toString().endsWith('!')) return
    resolve(status === undefined || status.endsWith('200') ? 'reached' : status)
  })
  socket.on('close', () => resolve('closed'))
  socket.on('error', (error) => resolve(codeOf(error)))
  socket.setTimeout(TIMEOUT_MS, () => resolve('timeout'))
  return promise.finally(() => socket.destroy())
}

function connectRequest(address: string, port: number): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`
}

function probeUdp({ address, port }: Target): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const timer = setTimeout(() => resolve('timeout'), TIMEOUT_MS)
  socket.on('message', () => resolve('reached'))
  socket.send(address, port, address, (error) => error && resolve(codeOf(error)))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}
