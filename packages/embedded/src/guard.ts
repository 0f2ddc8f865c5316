import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { identify, type ProcessIdentity } from './process-identity.ts'
import { type Ended, endOf, lastLines, type Owner, spawnOptions } from './run-as.ts'

/** What the guard runs, and what it removes afterwards. */
export type GuardedCommand = {
  readonly owner: Owner | undefined
  /** Tells the command to end. */
  readonly signal: 'INT' | 'QUIT' | 'TERM'
  /** Takes what the command writes; replaced. */
  readonly log: string
  readonly command: string
  readonly args: readonly string[]
  readonly lock?: string
  /** Directory of the server's socket; removed with it if nothing else is in it. */
  readonly sockets?: string
  /** Removed with everything in it. */
  readonly doomed?: string
}

/** A process between us and the server: it ends the server, and tidies up, once we are gone. */
export type Guard = {
  readonly identity: ProcessIdentity | undefined
  /** From here on the folder is ours, and the guard removes our traces in it. */
  readonly claimed: () => void
  /** Runs the command. */
  readonly go: () => void
  /** Tells the command to end; resolves once that and the tidying up are done. */
  readonly release: () => Promise<void>
  /** Never rejects. */
  readonly ended: Promise<Ended>
  /** Lets our process end while the guard runs. */
  readonly unref: () => void
}

// The other end of file descriptor 3 is held by our process alone: it closes however that ends, SIGKILL included.
// A signal to the whole group or session must not stop the guard before the server: it ignores them all. What it
// starts would inherit that, but initdb and postgres set handlers of their own.
// The lock goes last of what matters: the next start waits for that.
// "$!" stays ours: an ended child keeps its pid until `wait`, and after `wait` the watcher is ended first.
const SCRIPT = `
  trap '' INT TERM HUP
  signal=$1 log=$2 lock=$3 sockets=$4 doomed=$5
  shift 5
  exec 3<&0 4>&1 </dev/null >/dev/null 2>&1
  code=1
  if read -r claimed <&3; then
    if read -r go <&3; then
      "$@" 3<&- 4>&- >"$log" 2>&1 &
      child=$!
      { while read -r line; do :; done; kill -s "$signal" "$child"; } <&3 3<&- 4>&- &
      watcher=$!
      wait "$child"
      code=$?
      kill -s KILL "$watcher"
      wait "$watcher"
      [ "$code" = 0 ] || tail -n 12 "$log" >&4
    fi
    [ -z "$sockets" ] || rm -f "$sockets/.s.PGSQL.5432" "$sockets/.s.PGSQL.5432.lock"
    [ -z "$doomed" ] || for path in "$doomed"/*; do [ "$path" = "$lock" ] || rm -rf "$path"; done
  fi
  [ "$sockets" = "\${lock%/*}" ] || rmdir "$sockets"
  [ -z "$lock" ] || rm -f "$lock"
  [ -z "$doomed" ] || rmdir "$doomed"
  exit "$code"
`

/** Starts a guard. It waits for `claimed` and `go`; when we die before, nothing was run. */
export function startGuard(guarded: GuardedCommand): Guard {
  const { owner, signal, log, command, args, lock = '', sockets = '', doomed = '' } = guarded
  const parameters = [signal, log, lock, sockets, doomed, command, ...args]
  // Detached: in a session of its own, so that the terminal's Ctrl-C reaches us only, and the server still answers
  // while we finish what we are doing.
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'cimd-postgres-guard', ...parameters], {
    ...spawnOptions(owner),
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
  // A guard that has ended shows in `ended`, not in the pipe to it.
  child.stdin?.on('error', () => undefined)
  const ended = outcome(child)
  return {
    identity: child.pid === undefined ? undefined : identify(child.pid),
    claimed: () => void child.stdin?.write('claimed\n'),
    go: () => void child.stdin?.write('go\n'),
    release: async () => {
      setReferenced(child, 'ref')
      child.stdin?.end()
      await ended
    },
    ended,
    unref: () => setReferenced(child, 'unref'),
  }
}

async function outcome(child: ChildProcess): Promise<Ended> {
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    said += piece
  })
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  const how = await endOf(child)
  if (child.pid !== undefined) await closed
  return { ok: how === 'exit code 0', how, said: lastLines(said) }
}

function setReferenced(child: ChildProcess, change: 'ref' | 'unref'): void {
  child[change]()
  // Pipes of a child are sockets, which its types do not say.
  for (const pipe of [child.stdin, child.stdout] as (Socket | null)[]) pipe?.[change]()
}
