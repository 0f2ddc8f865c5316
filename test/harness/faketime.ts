import { execFileSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import type { Wrapper } from './service-process.ts'

/** How to run a process whose wall clock is off, or how to make that possible. */
export type Faketime =
  | { readonly kind: 'provided'; readonly skew: (offset: string) => Wrapper }
  | { readonly kind: 'missing'; readonly how: string }

const LIBRARIES = ['/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/lib/faketime/libfaketimeMT.so.1']

/** Looks for libfaketime, and tries that a process with it really sees another time. */
export function provideFaketime(): Faketime {
  const library = LIBRARIES.flatMap((pattern) => globSync(pattern)).find((path) => existsSync(path))
  const skew = (offset: string): Wrapper => ({
    environment: { LD_PRELOAD: library ?? '', FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' },
  })
  if (library !== undefined && isSkewed(skew('+1h'))) return { kind: 'provided', skew }
  const missing = { kind: 'missing', how: 'install libfaketime (Debian: apt-get install faketime)' } as const
  if (process.env['CIMD_TEST_REQUIRE_ALL'] === '1') throw new Error(missing.how)
  return missing
}

function isSkewed({ environment }: Wrapper): boolean {
  const told = execFileSync(process.execPath, ['-p', 'Date.now()'], {
    env: { ...process.env, ...environment },
  })
  return Number(told) - Date.now() > 1_800_000
}
