import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ADDRESSES } from './egress-cases.ts'
import type { Contest, ContestSettings } from './egress-contest.ts'

/** The packages we are compared with; nobody else needs them, so that they are installed for one run only. */
const PEERS = [
  '@atproto-labs/fetch-node@0.4.0',
  'request-filtering-agent@3.2.1',
  '@better-auth/cimd@1.7.0-rc.4',
  // What the transport of the one above imports; its other peer dependencies are a whole authorization server.
  '@better-auth/core@1.7.0-rc.4',
]

const INSTALL = [
  ...['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--legacy-peer-deps'],
  ...['--no-audit', '--no-fund', '--loglevel=error'],
]

// Names are asked for at the site alone: neither a hosts file nor a resolver of the machine's own answers first.
const NAMESPACE = `
  ip link set lo up
  for address in $1; do ip address add "$address" dev lo $(case $address in *:*) echo nodad ;; esac) || true; done
  mount --bind "$2/resolv.conf" /etc/resolv.conf
  if [ -e /etc/nsswitch.conf ]; then mount --bind "$2/nsswitch.conf" /etc/nsswitch.conf; fi
  shift 2
  exec "$@"`

const ATTEMPT = 'ip link set lo up; mount --bind /dev/null /etc/resolv.conf'

const run = promisify(execFile)

export type ContestResult =
  | { readonly kind: 'held'; readonly contest: Contest }
  | { readonly kind: 'left out'; readonly reason: string }

/** Holds the contest in network and mount namespaces of its own; says why where that is not possible. */
export async function holdContestApart(settings: Omit<ContestSettings, 'peers'>): Promise<ContestResult> {
  const unable = await findObstacle()
  if (unable !== undefined) return { kind: 'left out', reason: unable }
  await using directory = await createDirectory()
  try {
    await run('npm', [...INSTALL, '--prefix', directory.path, ...PEERS])
  } catch (error) {
    return { kind: 'left out', reason: `the peers could not be installed: ${firstLine(error)}` }
  }
  await writeFile(join(directory.path, 'resolv.conf'), 'nameserver 127.0.0.1\n')
  await writeFile(join(directory.path, 'nsswitch.conf'), 'hosts: dns\n')
  return { kind: 'held', contest: await runApart(directory.path, { ...settings, peers: directory.path }) }
}

async function findObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces need Linux'
  try {
    await run('unshare', ['--net', '--mount', 'sh', '-ec', ATTEMPT])
    return undefined
  } catch (error) {
    return `no namespace to do it in (it takes root, unshare, ip and mount): ${firstLine(error)}`
  }
}

async function createDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'cimd-bench-peers-'))
  await writeFile(join(path, 'package.json'), '{ "private": true }')
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

async function runApart(directory: string, settings: ContestSettings): Promise<Contest> {
  const program = fileURLToPath(new URL('egress-contest-process.ts', import.meta.url))
  const { stdout } = await run('unshare', [
    ...['--net', '--mount', 'sh', '-ec', NAMESPACE, 'namespace', ADDRESSES.join(' '), directory],
    ...[process.execPath, program, JSON.stringify(settings)],
  ])
  return JSON.parse(stdout)
}

function firstLine(error: unknown): string {
  const { stderr = '', message = String(error) } = error as { stderr?: string; message?: string }
  return (stderr || message).split('\n')[0] ?? ''
}
