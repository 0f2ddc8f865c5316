import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

export type DecoderLimits = {
  /** Of decoding, on the clock, in milliseconds. */
  readonly decodeMs: number
  /** Of the process, resident, in bytes; some 85 MiB of it are there before anything is decoded. */
  readonly memoryBytes: number
}

const SHELL = '/bin/sh'

/** What Node sets aside and never touches; the kernel counts it as data. */
const RESERVED_BYTES = 1024 ** 3
/** Starting costs processor time too, and the clock is to strike first. */
const PROCESSOR_SECONDS_TO_START = 2

/**
 * Sets what the kernel can bound, each bound where the system has it: core file, written files, descriptors,
 * processor seconds, data; the first to go when memory is short; a network of its own with nothing in it, where users
 * may make namespaces; no environment. Where the system can, it is killed with the thread that started it, even one
 * that is stopped; elsewhere it reads the end of its input then, and its processor seconds are bounded, not its sleep.
 */
const BOUND = `
  { for limit in '-c 0' '-f 0' '-n 64' "-S -t $1" "-H -t $(($1 + 1))" "-d $2"; do ulimit $limit; done
    echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
  shift 2
  set -- env -i "$@"
  # Within the namespace, since to enter one clears the signal.
  if setpriv --pdeathsig KILL true 2>/dev/null; then set -- setpriv --pdeathsig KILL "$@"; fi
  if unshare -Un true 2>/dev/null; then set -- unshare -Un "$@"; fi
  exec "$@"`

/**
 * Starts `script` of this folder as a process of its own that may read the image library and this folder, and nothing
 * else: no network, no other file, no process, no environment. What the permission model cannot hold, the library's own
 * machine code, is under the kernel's bounds. Its process group is its own, so that it can be ended as a whole.
 */
export function spawnBounded(
  script: string,
  args: readonly string[],
  limits: DecoderLimits,
): ChildProcessWithoutNullStreams {
  const command = [process.execPath, ...NODE_FLAGS, script, ...args]
  const seconds = Math.ceil(limits.decodeMs / 1000) + PROCESSOR_SECONDS_TO_START
  const kibibytes = Math.ceil((limits.memoryBytes + RESERVED_BYTES) / 1024)
  const [executable = '', ...given] = existsSync(SHELL)
    ? [SHELL, '-c', BOUND, SHELL, String(seconds), String(kibibytes), ...command]
    : command
  return spawn(executable, given, { env: {}, cwd: import.meta.dirname, detached: true, stdio: 'pipe' })
}

/** The permission model's flags (`node --help`): what is not allowed is refused. */
const NODE_FLAGS = [
  '--permission',
  '--allow-addons',
  ...readableFolders().map((folder) => `--allow-fs-read=${folder}`),
  '--disallow-code-generation-from-strings',
  '--max-old-space-size=64',
  '--v8-pool-size=1',
  '--no-warnings',
]

/** This folder, and the packages of the image library wherever npm has put them. */
function readableFolders(): string[] {
  const entry = createRequire(import.meta.url).resolve('sharp')
  const { resolve } = createRequire(entry)
  const folderOf = (name: string): string => dirname(resolve(`${name}/package.json`))
  // The machine code is in a package of the platform's own, in the scope of this one.
  const scope = dirname(folderOf('@img/colour'))
  const library = [dirname(dirname(entry)), folderOf('detect-libc'), folderOf('semver'), scope]
  return [import.meta.dirname, ...library].map((folder) => realpathSync(folder))
}
