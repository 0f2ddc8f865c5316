import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EmbeddedPostgresError, USE_ANOTHER, writing } from './error.ts'
import { formatIdentity, identify, isAlive, type ProcessIdentity, parseIdentity } from './process-identity.ts'

// Two that start at the same instant see each other and both step back; after a pause of random length one is first.
const TRIES_MAX = 6
const STEP_BACK_MS_MAX = 60
// A guard ends the server of a dead owner at once; a fast shutdown writes a checkpoint, which on a slow disk takes a while.
const GUARD_PATIENCE_MS = 15_000
const POLL_MS = 20

/**
 * Where our own lock on the folder goes: `owner-<pid>-<started>-<random>.lock`. Every start has a file of its own, and
 * its name says whose it is. So it is complete the moment it exists, and removing a dead owner's lock can never hit a
 * living one: with a single file of a fixed name, two starts that both find it stale remove each other's.
 */
export function ownLockPath(root: string): string {
  const self = identify(process.pid)
  if (self === undefined) throw new Error('cannot tell when this process started')
  return join(root, `owner-${formatIdentity(self)}-${randomBytes(3).toString('hex')}.lock`)
}

/** Whose lock a file of that name is; undefined if it is none. */
export function lockOwner(name: string): ProcessIdentity | undefined {
  const [, identity] = /^owner-(\d+-[0-9a-f]+)-[0-9a-f]{6}\.lock$/.exec(name) ?? []
  return identity === undefined ? undefined : parseIdentity(identity)
}

/** Who asks for the folder, and how to end a server in it that nobody owns any more. */
export type Claim = {
  readonly root: string
  readonly lock: string
  readonly guard: ProcessIdentity | undefined
  readonly endServer: () => Promise<unknown>
}

/**
 * Makes the folder ours, or throws `in_use` naming the living owner. Where the owner is dead, waits for its guard, which
 * is ending the server: it would take the traces of ours for those of its own.
 */
export async function claimFolder(claim: Claim): Promise<void> {
  const living = await tryToBeAlone(claim)
  if (living !== undefined) throw inUse(claim.root, living)
  for (const path of otherLocks(claim)) await clearDeadLock(path, claim.endServer)
}

async function tryToBeAlone(claim: Claim): Promise<ProcessIdentity | undefined> {
  const { root, lock, guard } = claim
  let living: ProcessIdentity | undefined
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (tries > 0) await delay(Math.random() * STEP_BACK_MS_MAX)
    const content = guard === undefined ? '' : formatIdentity(guard)
    writing(root, () => writeFileSync(lock, content, { flag: 'wx', mode: 0o644 }))
    living = otherLocks(claim)
      .map((path) => lockOwner(basename(path)))
      .find((owner) => owner !== undefined && isAlive(owner))
    if (living === undefined) return undefined
    rmSync(lock, { force: true })
  }
  return living
}

async function clearDeadLock(path: string, endServer: Claim['endServer']): Promise<void> {
  const guard = guardOf(path)
  if (guard !== undefined && !(await isDone(path, guard))) {
    await endServer()
    if (!(await isDone(path, guard))) throw stillStopping(path, guard)
  }
  rmSync(path, { force: true })
}

async function isDone(path: string, guard: ProcessIdentity): Promise<boolean> {
  const deadline = performance.now() + GUARD_PATIENCE_MS
  while (existsSync(path) && isAlive(guard)) {
    if (performance.now() > deadline) return false
    await delay(POLL_MS)
  }
  return true
}

function otherLocks({ root, lock }: Claim): string[] {
  return readdirSync(root)
    .filter((name) => lockOwner(name) !== undefined && name !== basename(lock))
    .map((name) => join(root, name))
}

function guardOf(path: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function inUse(root: string, { pid }: ProcessIdentity): EmbeddedPostgresError {
  const who = pid === process.pid ? `this process itself (pid ${pid})` : `the process with pid ${pid}`
  return new EmbeddedPostgresError(
    'in_use',
    `The database in ${root} is in use by ${who}, and one process at a time can run it: stop that one first ` +
      `(kill ${pid}), use another folder, ${USE_ANOTHER}.`,
  )
}

function stillStopping(path: string, guard: ProcessIdentity): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'in_use',
    `The PostgreSQL of an earlier process is still stopping (pid ${guard.pid} waits for it; ${path}): try again later.`,
  )
}
