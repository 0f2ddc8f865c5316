import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EmbeddedPostgresError, systemCode, USE_ANOTHER } from './error.ts'
import { ENVIRONMENT } from './run-as.ts'

const POLL_MS = 20
// A fast shutdown writes a checkpoint; an immediate one does not, and gives its children 5 s before it kills them.
const FAST_PATIENCE_MS = 30_000
const IMMEDIATE_PATIENCE_MS = 10_000
const KILL_PATIENCE_MS = 5_000

/** What the server writes about itself into the data directory: its pid, and where its socket is. */
export type PostmasterFile = { readonly pid: number; readonly socketDirectory: string }

/** Reads `postmaster.pid`: the pid in line 1, the directory of the socket in line 5. */
export function parsePostmasterFile(text: string): PostmasterFile | undefined {
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, socketDirectory: lines[4] ?? '' } : undefined
}

/** The `postmaster.pid` of a data directory; undefined where no server runs or crashed. */
export function readPostmasterFile(data: string): PostmasterFile | undefined {
  try {
    return parsePostmasterFile(readFileSync(join(data, 'postmaster.pid'), 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * Ends whatever server still works on this data, whose owner and guard are gone: at first so that it keeps everything,
 * in the end by force (PostgreSQL recovers from that). Resolves with the pids that were there.
 */
export async function endLeftServer(data: string): Promise<number[]> {
  const found = serverProcesses(data)
  const steps = [
    { signal: 'SIGINT', patienceMs: FAST_PATIENCE_MS },
    { signal: 'SIGQUIT', patienceMs: IMMEDIATE_PATIENCE_MS },
    { signal: 'SIGKILL', patienceMs: KILL_PATIENCE_MS },
  ] as const
  for (const { signal, patienceMs } of steps) {
    if (await endedAfter(data, signal, patienceMs)) {
      forgetReusedPid(data)
      return found
    }
  }
  throw stillRunning(data)
}

async function endedAfter(data: string, signal: NodeJS.Signals, patienceMs: number): Promise<boolean> {
  const pids = serverProcesses(data)
  if (pids.length === 0) return true
  // Only the postmaster knows how to end its children; those it left behind end by themselves, or by force.
  const postmaster = readPostmasterFile(data)?.pid
  const addressees = signal === 'SIGKILL' ? pids : pids.filter((pid) => pid === postmaster)
  for (const pid of addressees) sendSignal(pid, signal)
  const deadline = performance.now() + patienceMs
  while (serverProcesses(data).length > 0) {
    if (performance.now() > deadline) return false
    await delay(POLL_MS)
  }
  return true
}

// The server takes any process of its user with the pid in the file for itself and refuses to start, although the pid
// may since have been given to something else.
function forgetReusedPid(data: string): void {
  const file = readPostmasterFile(data)
  if (file !== undefined && exists(file.pid)) rmSync(join(data, 'postmaster.pid'), { force: true })
}

// Never by the pid in the file alone: it may belong to somebody else by now, and we may be root.
function serverProcesses(data: string): number[] {
  return process.platform === 'linux' ? processesIn(data) : postmasterByCommand(data)
}

// A server and all its children work inside the data directory.
function processesIn(data: string): number[] {
  const directory = existsSync(data) ? realpathSync(data) : data
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => link(`/proc/${pid}/cwd`) === directory && isServer(link(`/proc/${pid}/exe`)))
    .map(Number)
}

function isServer(executable: string): boolean {
  // " (deleted)" follows once the binary was replaced by a newer one.
  return /^postgres( \(deleted\))?$/.test(basename(executable))
}

function postmasterByCommand(data: string): number[] {
  const pid = readPostmasterFile(data)?.pid
  if (pid === undefined) return []
  try {
    const options = { encoding: 'utf8', env: ENVIRONMENT } as const
    const command = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], options)
    return command.includes('postgres') && command.includes(`-D ${data} `) ? [pid] : []
  } catch {
    return []
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

function stillRunning(data: string): EmbeddedPostgresError {
  const pids = serverProcesses(data).join(', ')
  return new EmbeddedPostgresError(
    'in_use',
    `A PostgreSQL left behind still runs on ${data} (pid ${pids}) and does not end: end it, use another folder, ` +
      `${USE_ANOTHER}.`,
  )
}
