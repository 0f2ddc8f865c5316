import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, constants, mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** A throw-away directory and the server that works in it. */
export type LocalServer = { stop(): Promise<void> }

/** What to start, and how to tell that it is ready. */
export type ServerCommand = {
  readonly command: string
  readonly args: readonly string[]
  readonly directory: string
  readonly owner: Owner | undefined
  /** Occurs in the line the server writes once it accepts connections. */
  readonly readyLine: string
  readonly stopSignal: NodeJS.Signals
}

/** Ids to run under, where a server refuses to run as root. */
export type Owner = { uid: number; gid: number }

const START_TIMEOUT_MS = 60_000

/** Path of the first of the directories (by default: PATH) that holds an executable of that name. */
export function findExecutable(name: string, directories?: readonly string[]): string | undefined {
  const searched = directories ?? (process.env['PATH'] ?? '').split(delimiter)
  return searched.map((directory) => join(directory, name)).find(isExecutable)
}

/** A directory under the temporary directory; removed with the server that works in it. */
export function makeDirectory(prefix: string, owner?: Owner): string {
  const directory = mkdtempSync(join(tmpdir(), prefix))
  if (owner) chownSync(directory, owner.uid, owner.gid)
  return directory
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

// Ends the server and removes its directory once our end of the shell's stdin is gone, however we ended: a test
// run that is killed leaves nothing behind. The server alone holds stdout, so its own end shows.
const GUARD = `
  trap '' INT TERM HUP
  directory=$1 signal=$2
  shift 2
  "$@" </dev/null &
  exec >/dev/null 2>&1
  while read -r line; do :; done
  kill -s "$signal" $!
  wait
  rm -rf "$directory"
`

/** Starts the server and waits for its ready line. It does not outlive this process. */
export async function startServer(server: ServerCommand): Promise<LocalServer> {
  const { directory, stopSignal, command, args } = server
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', directory, stopSignal.slice(3), command, ...args], {
    stdio: 'pipe',
    cwd: directory,
    env: { ...process.env, LC_ALL: 'C' },
    ...server.owner,
  })
  const stop = async () => {
    const exited = once(guard, 'exit')
    guard.stdin.end()
    await exited
  }
  try {
    await readyLine(guard, server)
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}

/** Runs a command to its end; rejects with what it wrote when it fails. */
export async function runCommand(command: string, args: readonly string[], owner?: Owner): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: tmpdir(), ...owner })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said.trim()}`)
}

async function readyLine(
  guard: ChildProcessWithoutNullStreams,
  { command, readyLine }: ServerCommand,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const said: string[] = []
  const fail = (why: string) => reject(new Error(`${command} ${why}: ${said.slice(-5).join(' | ')}`))
  for (const stream of [guard.stdout, guard.stderr]) {
    // Read to the end: a full pipe would block the server.
    const lines = createInterface({ input: stream })
    lines.on('line', (line) => {
      said.push(line)
      if (line.includes(readyLine)) resolve()
    })
    lines.once('close', () => fail('ended'))
  }
  const timer = setTimeout(() => fail(`was not ready in ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
  await promise.finally(() => clearTimeout(timer))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
