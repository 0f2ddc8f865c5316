import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { systemCode } from './error.ts'
import { ENVIRONMENT } from './run-as.ts'

/** A process, told apart from a later one that got the same pid. `startedAt` is opaque hexadecimal. */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string }

/** The running process of that pid; undefined once it has ended, reaped or not. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? startedAtFromProc(pid) : startedAtFromPs(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  const found = identify(identity.pid)
  // A system that hides other users' processes shows nothing of one that is there: better refused than run over.
  return found === undefined ? isForeign(identity.pid) : found.startedAt === identity.startedAt
}

/** `pid-startedAt`, fit for a file name. */
export function formatIdentity({ pid, startedAt }: ProcessIdentity): string {
  return `${pid}-${startedAt}`
}

/** The reverse of `formatIdentity`; undefined for anything else. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [, pid, startedAt] = /^([1-9]\d{0,9})-([0-9a-f]{1,40})$/.exec(text) ?? []
  return pid === undefined || startedAt === undefined ? undefined : { pid: Number(pid), startedAt }
}

/** State and start time (field 22, in ticks since boot) out of `/proc/<pid>/stat`. */
export function parseProcStat(stat: string): { state: string; startTicks: number } | undefined {
  // The command's name stands in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], Number(fields[19])]
  return state === undefined || !Number.isSafeInteger(startTicks) ? undefined : { state, startTicks }
}

function startedAtFromProc(pid: number): string | undefined {
  const stat = parseProcStat(readOrEmpty(`/proc/${pid}/stat`))
  if (stat === undefined || isEnded(stat.state)) return undefined
  // Machines that boot alike start the same process at the same pid and tick: only the boot's id tells them apart.
  const boot = readOrEmpty('/proc/sys/kernel/random/boot_id').replaceAll(/[^0-9a-f]/g, '')
  return boot.slice(0, 12) + stat.startTicks.toString(16)
}

function startedAtFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
      env: { ...ENVIRONMENT, TZ: 'UTC' },
    }).trim()
    const [, state = 'X', started = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    return isEnded(state) ? undefined : createHash('sha256').update(started).digest('hex').slice(0, 16)
  } catch {
    return undefined
  }
}

// A zombie has ended; nobody has asked how yet. As the parent of an unreaped process may never ask, it counts as gone.
function isEnded(state: string): boolean {
  return state.startsWith('Z') || state.startsWith('X')
}

function isForeign(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
