import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Owner } from './local-server.ts'

/** A process that owns an embedded server. */
export type EmbeddedOwner = Started & {
  readonly pid: number
  readonly child: ChildProcess
  /** Asks it to end in that way (see processes/embedded.ts), and waits until it has. */
  readonly end: (way: string) => Promise<void>
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
}

/** What it says of a server that runs. */
type Started = {
  readonly url: string
  readonly directory: string
  readonly version: string
  readonly notices: readonly string[]
}

/** The error it met instead. */
export type NotStarted = { readonly name: string; readonly code: string; readonly message: string }

export type OwnerOptions = {
  readonly kind?: 'temporary' | 'draining'
  readonly user?: Owner
  readonly temporaryDirectory?: string
  /** The program, if not processes/embedded.ts. */
  readonly program?: string
  /** Largest file that it and its children may write, in blocks of 512 bytes. */
  readonly fileBlocksMax?: number
}

export const EMBEDDED_PROGRAM = fileURLToPath(new URL('processes/embedded.ts', import.meta.url))

/** A directory of the test's own; short, as its path goes into a socket's. Others may enter it unless it is private. */
export async function makeHome(options: { private?: boolean; user?: Owner | undefined } = {}) {
  const path = await mkdtemp('/tmp/cimd-e-')
  if (options.user !== undefined) await chown(path, options.user.uid, options.user.gid)
  // As root the server runs as another user, who must get in.
  if (options.private !== true) await chmod(path, 0o755)
  const remove = async (): Promise<void> => {
    killAt(path)
    await rm(path, { recursive: true, force: true })
  }
  return { path, [Symbol.asyncDispose]: remove }
}

/** Starts an owner; resolves before its server runs. */
export function spawnOwner(directory: string, options: OwnerOptions = {}): ChildProcess {
  const { kind = '', user, temporaryDirectory = '/tmp', program = EMBEDDED_PROGRAM, fileBlocksMax } = options
  const limited = `${fileBlocksMax === undefined ? '' : `ulimit -f ${fileBlocksMax} && `}exec "$0" "$@"`
  return spawn('/bin/sh', ['-c', limited, process.execPath, program, directory, kind], {
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: temporaryDirectory },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // The leader of a group, as the terminal's foreground process is.
    detached: true,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  })
}

/** Starts an owner whose server runs. */
export async function startOwner(directory: string, options?: OwnerOptions): Promise<EmbeddedOwner> {
  const { child, answer } = await answerOf(directory, options)
  if (!('url' in answer)) throw new Error(answer.message)
  const ended = once(child, 'exit')
  return {
    ...answer,
    pid: child.pid ?? 0,
    child,
    end: async (way) => {
      child.send(way)
      await ended
    },
    kill: async (signal) => {
      child.kill(signal)
      await ended
    },
  }
}

/** Starts an owner that cannot have its server. */
export async function failToStart(directory: string, options?: OwnerOptions): Promise<NotStarted> {
  const { child, answer } = await answerOf(directory, options)
  if ('url' in answer) {
    child.kill('SIGKILL')
    throw new Error('it started')
  }
  return answer
}

async function answerOf(directory: string, options?: OwnerOptions) {
  const child = spawnOwner(directory, options)
  const silent = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`it ended without a word (${code ?? signal})`)
  })
  silent.catch(() => undefined)
  const [answer] = (await Promise.race([once(child, 'message'), silent])) as [Started | NotStarted]
  return { child, answer }
}

/** Waits until no process, socket or lock of a server is left that has to do with the path; returns what stays. */
export async function untilNothingRemains(path: string, patienceMs = 30_000): Promise<string[]> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const left = remains(path)
    if (left.length === 0 || performance.now() > deadline) return left
    await delay(10)
  }
}

/** Processes that name the path or work in it, and sockets and locks under it. */
function remains(path: string): string[] {
  return [...processesAt(path).map(({ pid, command }) => `process ${pid}: ${command}`), ...tracesUnder(path)]
}

/** Every process, other than this one, whose command or working directory lies in the path. */
export function processesAt(path: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({
      pid: Number(name),
      command: read(`/proc/${name}/cmdline`),
      cwd: link(`/proc/${name}/cwd`),
    }))
    .filter(({ command, cwd }) => command.includes(path) || cwd.startsWith(path))
}

/** Ends every process there at once, as a crash of the machine would. */
export function killAt(path: string): void {
  for (const { pid } of processesAt(path)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended since.
    }
  }
}

function tracesUnder(directory: string): string[] {
  return list(directory).flatMap((name) => {
    const path = join(directory, name)
    if (isDirectory(path)) return basename(directory) === 'data' ? [] : tracesUnder(path)
    return name.endsWith('.lock') || name.startsWith('.') ? [path] : []
  })
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
