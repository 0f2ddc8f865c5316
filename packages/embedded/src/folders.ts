import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { EmbeddedPostgresError, systemCode, USE_ANOTHER, writing } from './error.ts'
import type { Owner } from './run-as.ts'

/** Where a user who cannot enter the project's directory works instead: survives a reboot, and anybody may enter it. */
export const SHARED = '/var/tmp'

/** Makes a directory that its owner (or we) alone may enter; one that exists is made so. */
export function makePrivate(path: string, owner: Owner | undefined): void {
  makeDirectory(path, 0o700)
  if (owner !== undefined) writing(path, () => lchownSync(path, owner.uid, owner.gid))
  writing(path, () => chmodSync(path, 0o700))
}

/**
 * Makes a directory in `SHARED` that only we can change. Anybody may have made one of that name there before us, to have
 * his programs run or our data in his hands.
 */
export function makeTrusted(path: string): void {
  makeDirectory(path, 0o755)
  const { uid, mode } = lstatSync(path)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError(
      'not_writable',
      `${path} belongs to another user (uid ${uid}) or can be changed by others, so it cannot be trusted: remove it, ` +
        `${USE_ANOTHER}.`,
    )
  }
  chmodSync(path, 0o755)
}

/** Whether a cluster was initialised in this folder. */
export function hasData(root: string): boolean {
  return existsSync(join(root, 'data', 'PG_VERSION'))
}

/** Twelve hexadecimal digits that stand for a path. */
export function shortHash(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12)
}

function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // A symbolic link is not followed: it could lead anywhere.
    if (systemCode(error) === 'EEXIST' && lstatSync(path).isDirectory()) return
    writing(path, () => {
      throw error
    })
  }
}
