import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Owner } from '../harness/local-server.ts'

/** A disk that can be filled to its last byte. */
export type SmallDisk = {
  readonly fill: () => void
  readonly free: () => void
  readonly close: () => void
}

const CHUNK = Buffer.alloc(64 * 1024)

/**
 * Makes each named directory under `home`, with a disk of that size at it; without any, and undefined, where this process
 * may not mount them.
 */
export function smallDisks<Name extends string>(
  home: string,
  owner: Owner | undefined,
  bytes: Readonly<Record<Name, number>>,
): Record<Name, SmallDisk> | undefined {
  const names = Object.keys(bytes) as Name[]
  const disks = names.map(
    (name) => [name, mountDisk(makeOwned(join(home, name), owner), owner, bytes[name])] as const,
  )
  const mounted = disks.flatMap(([name, disk]) => (disk === undefined ? [] : [[name, disk] as const]))
  if (mounted.length === names.length) return Object.fromEntries(mounted) as Record<Name, SmallDisk>
  for (const [, disk] of mounted) disk.close()
  return undefined
}

function makeOwned(directory: string, owner: Owner | undefined): string {
  mkdirSync(directory, { mode: 0o700 })
  if (owner) chownSync(directory, owner.uid, owner.gid)
  return directory
}

function mountDisk(directory: string, owner: Owner | undefined, bytes: number): SmallDisk | undefined {
  if (process.getuid?.() !== 0) return undefined
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  chmodSync(directory, 0o700)
  if (owner) chownSync(directory, owner.uid, owner.gid)
  const ballast = join(directory, 'ballast')
  const close = (): void => {
    process.off('exit', close)
    execFileSync('umount', ['-l', directory], { stdio: 'ignore' })
  }
  process.on('exit', close)
  return { fill: () => fill(ballast), free: () => rmSync(ballast, { force: true }), close }
}

/** What Postgres frees meanwhile is taken as well when this is called again. */
function fill(file: string): void {
  const descriptor = openSync(file, 'a')
  try {
    for (let size = CHUNK.length; size > 0; ) {
      try {
        writeSync(descriptor, CHUNK, 0, size)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        size = Math.floor(size / 2)
      }
    }
  } finally {
    closeSync(descriptor)
  }
}
