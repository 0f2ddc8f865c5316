import { connect } from 'node:net'
import { homedir } from 'node:os'

const CONNECT_TIMEOUT_MS = 300

/** Whether a Docker engine listens. The `docker` client alone says nothing: many machines have it without one. */
export async function dockerAnswers(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const answers = await Promise.all(engineAddresses(env).map(accepts))
  return answers.includes(true)
}

type Address = { path: string } | { host: string; port: number }

function engineAddresses(env: NodeJS.ProcessEnv): Address[] {
  const host = env['DOCKER_HOST']
  if (host?.startsWith('unix://')) return [{ path: host.slice('unix://'.length) }]
  if (host) {
    const { hostname, port } = new URL(host)
    return [{ host: hostname, port: Number(port || 2375) }]
  }
  const runtimeDir = env['XDG_RUNTIME_DIR']
  const paths = ['/var/run/docker.sock', `${homedir()}/.docker/run/docker.sock`]
  return [...paths, ...(runtimeDir ? [`${runtimeDir}/docker.sock`] : [])].map((path) => ({ path }))
}

function accepts(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: CONNECT_TIMEOUT_MS })
    const answer = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => answer(true))
    socket.once('timeout', () => answer(false))
    socket.once('error', () => answer(false))
  })
}
