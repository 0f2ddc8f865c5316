import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Binaries, prepareBinaries } from './binaries.ts'
import { prepareCluster, serverArguments } from './cluster.ts'
import { claimFolder, ownLockPath } from './folder-lock.ts'
import { type Guard, startGuard } from './guard.ts'
import { choosePlace, type Place } from './place.ts'
import { untilItAnswers } from './readiness.ts'
import { type Ended, runAs } from './run-as.ts'
import { endLeftServer, readPostmasterFile } from './server-processes.ts'
import { chooseSocketDirectory, isShortDirectory, removeSocket, socketUrl } from './sockets.ts'

export type EmbeddedPostgresOptions = {
  /** The data goes into `postgres` in it, unless the server's user cannot enter it. Made if absent. */
  readonly directory: string
  /** Told what the user should know: where the data went, what was cleared up, that the server ended by itself. */
  readonly onNotice: (message: string) => void
  /** Throw-away: a new folder (in `directory`, or for root in /var/tmp), nothing synced to disk, removed at the stop. */
  readonly temporary?: boolean
}

/** A running server. It ends with this process, however that ends. */
export type EmbeddedPostgres = {
  /** Of the superuser `postgres` and the database of that name. `new URL` may change the database in it. */
  readonly url: string
  /** Where the server's files really are. */
  readonly directory: string
  /** As PostgreSQL writes it, such as `18.4`. */
  readonly version: string
  /** Ends the server after what it is executing is undone or done; safe to call again, and at once. */
  readonly stop: () => Promise<void>
}

type Running = {
  readonly place: Place
  readonly sockets: string
  readonly lock: string
  readonly guard: Guard
  readonly temporary: boolean
}

// Longer than a fast shutdown should take anywhere; then the server is ended by force.
const STOP_PATIENCE_MS = 30_000

/**
 * Starts the PostgreSQL that npm brought, on the data in `directory`. Throws `EmbeddedPostgresError` where that cannot
 * be; one process at a time may run a folder's data.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { onNotice, temporary = false } = options
  const place = await choosePlace({ ...options, temporary })
  const binaries = await prepareBinaries(place.owner, onNotice)
  const running = await prepare(place, binaries, temporary)
  const url = socketUrl(running.sockets)
  await claim(running)
  try {
    await endWhatWasLeft(running, onNotice)
    await prepareCluster(place, binaries)
    running.guard.go()
    await untilItAnswers(url, running.guard.ended, place.data)
  } catch (error) {
    await stop(running)
    throw error
  }
  return handle(running, url, binaries.version, onNotice)
}

// The guard comes before the lock, so that there is never a lock nobody would remove.
async function prepare(place: Place, binaries: Binaries, temporary: boolean): Promise<Running> {
  const lock = ownLockPath(place.root)
  const sockets = chooseSocketDirectory(place.root, place.owner)
  const guard = startGuard({
    ...{ owner: place.owner, log: place.log, lock, sockets },
    // Fast: ends every session and writes a checkpoint. Immediate: nothing in it is worth one.
    signal: temporary ? 'QUIT' : 'INT',
    command: binaries.postgres,
    args: serverArguments(place.data, sockets, temporary),
    ...(temporary ? { doomed: place.root } : {}),
  })
  return { place, sockets, lock, guard, temporary }
}

async function claim({ place, lock, guard }: Running): Promise<void> {
  try {
    const endServer = () => endLeftServer(place.data)
    await claimFolder({ root: place.root, lock, guard: guard.identity, endServer })
    guard.claimed()
  } catch (error) {
    await guard.release()
    throw error
  }
}

async function endWhatWasLeft({ place }: Running, onNotice: (message: string) => void): Promise<void> {
  const left = readPostmasterFile(place.data)
  const ended = await endLeftServer(place.data)
  if (ended.length > 0)
    onNotice(`Stopped the PostgreSQL that an earlier process left behind on ${place.data}.`)
  removeSocket(place.root)
  if (left !== undefined && isShortDirectory(left.socketDirectory)) {
    await runAs(place.owner, 'rm', ['-rf', left.socketDirectory])
  }
}

function handle(
  running: Running,
  url: string,
  version: string,
  onNotice: (message: string) => void,
): EmbeddedPostgres {
  const { guard, place } = running
  let stopping: Promise<void> | undefined
  guard.unref()
  void guard.ended.then((ended) => {
    if (stopping === undefined) onNotice(endedByItself(place, ended))
  })
  return {
    url,
    directory: place.root,
    version,
    stop: () => {
      stopping ??= stop(running)
      return stopping
    },
  }
}

async function stop({ guard, place, lock, sockets, temporary }: Running): Promise<void> {
  const released = guard.release()
  const patience = new AbortController()
  await Promise.race([
    released,
    delay(STOP_PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {}),
  ])
  patience.abort()
  // From here on only what a guard leaves that was killed itself, or whose server does not end.
  await endLeftServer(place.data)
  await released
  rmSync(lock, { force: true })
  removeSocket(sockets)
  if (sockets !== place.root) await runAs(place.owner, 'rm', ['-rf', sockets])
  if (temporary) await removeFolder(place)
}

// What belongs to the server's user is removed as that user: root would follow whatever that put there.
async function removeFolder({ root, owner }: Place): Promise<void> {
  await runAs(owner, 'rm', ['-rf', root])
  rmSync(root, { recursive: true, force: true })
}

function endedByItself({ root }: Place, { how, said }: Ended): string {
  return `The embedded PostgreSQL in ${root} ended by itself (${how})${said === '' ? '' : `:\n${said}`}`
}
