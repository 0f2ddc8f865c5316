import { randomBytes } from 'node:crypto'
import { lchownSync, mkdtempSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedPostgresError, USE_ANOTHER } from './error.ts'
import { SHARED } from './folders.ts'
import type { Owner } from './run-as.ts'

// The port names the socket and nothing else: the server listens on no network address.
const PORT = 5432
const SOCKET = `.s.PGSQL.${PORT}`

// sun_path holds 104 bytes on macOS (108 on Linux), one of them the end of the string.
const SOCKET_PATH_BYTES_MAX = 103
const SHORT_PREFIX = 'cimd-pg-'

/**
 * Whoever can reach the socket may do anything ("trust"): a directory that nobody else may enter is the password. The
 * alternative, a port of 127.0.0.1, is open to every user of the machine, and its password would have to stand in a URL
 * that ends up in configuration and logs.
 */
export function chooseSocketDirectory(root: string, owner: Owner | undefined): string {
  if (isFit(root, owner) && holdsSockets(root)) return root
  // Of root's own temporary directory the server's user could not remove it again.
  for (const parent of owner === undefined ? [tmpdir(), '/tmp'] : ['/tmp', SHARED]) {
    const made = makeShortDirectory(parent, owner)
    if (made === undefined) continue
    if (isFit(made, owner) && holdsSockets(made)) return made
    rmdirSync(made)
  }
  throw new EmbeddedPostgresError(
    'not_writable',
    `There is no place for PostgreSQL's socket: neither ${root} nor the temporary directory is private, short enough ` +
      `(${SOCKET_PATH_BYTES_MAX} bytes with its name) and able to hold one. Use a folder with a shorter path, set TMPDIR, ${USE_ANOTHER}.`,
  )
}

/** Removes what a crashed server leaves of its socket. Its lock would hold up the next where the pid in it exists. */
export function removeSocket(directory: string): void {
  for (const name of [SOCKET, `${SOCKET}.lock`]) rmSync(join(directory, name), { force: true })
}

/** Whether a socket in this directory has a path the system can address. */
export function socketPathFits(directory: string): boolean {
  return Buffer.byteLength(join(directory, SOCKET)) <= SOCKET_PATH_BYTES_MAX
}

/** Whether the directory is one of those we make where the folder's own path is too long. */
export function isShortDirectory(path: string): boolean {
  return /\/cimd-pg-\w{6}$/.test(path)
}

/**
 * The URL of a database behind the socket. The host in it is a stand-in, without which `new URL` cannot change the
 * database: pg and libpq let `?host=` win. It is a name that never resolves, so that a library which knows no `?host=`
 * fails, rather than talk to whatever listens on this machine's port 5432.
 */
export function socketUrl(directory: string): string {
  // The rest keeps PGSSLMODE of the environment out of it: there is no TLS over such a socket.
  return `postgres://postgres@socket.invalid:${PORT}/postgres?host=${encodeURIComponent(directory)}&sslmode=disable`
}

function makeShortDirectory(parent: string, owner: Owner | undefined): string | undefined {
  try {
    const made = mkdtempSync(join(parent, SHORT_PREFIX))
    if (owner !== undefined) lchownSync(made, owner.uid, owner.gid)
    return made
  } catch {
    return undefined
  }
}

// Some file systems (shares of a virtual machine's host) ignore modes and owners.
function isFit(directory: string, owner: Owner | undefined): boolean {
  const { mode, uid } = statSync(directory)
  return (mode & 0o077) === 0 && uid === (owner?.uid ?? process.getuid?.()) && socketPathFits(directory)
}

// Some cannot hold a socket at all.
function holdsSockets(directory: string): boolean {
  const probe = createServer()
  probe.on('error', () => {})
  // Bound and removed in one turn: whoever is killed in between would leave it behind.
  probe.listen(join(directory, `.${randomBytes(4).toString('hex')}`))
  const isHeld = probe.listening
  if (isHeld) probe.close()
  return isHeld
}
