import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** The user a process runs as, where that is not our own. */
export type Owner = { readonly uid: number; readonly gid: number; readonly name: string }

/** How a command ended: `said` is the end of what it wrote. */
export type Ended = { readonly ok: boolean; readonly how: string; readonly said: string }

/**
 * All that our children see of the environment. The server runs as a user whom other programs may share, and who
 * may read the environment of its processes: no secret of ours belongs there.
 */
export const ENVIRONMENT = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' } as const

/** Runs a command to its end as the owner (or as ourselves). Never rejects. */
export async function runAs(
  owner: Owner | undefined,
  command: string,
  args: readonly string[],
): Promise<Ended> {
  const child = spawn(command, args, { ...spawnOptions(owner), stdio: ['ignore', 'pipe', 'pipe'] })
  const said = Promise.all([text(child.stdout), text(child.stderr)])
  const how = await endOf(child)
  const written = (await said.catch(() => [])).join('').trim()
  return { ok: how === 'exit code 0', how, said: lastLines(written) }
}

/** Resolves with how the process ended, in words; also when it could not be started at all. */
export function endOf(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be run: ${error.message}`))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`))
  })
}

/** Options that make a spawned process run as the owner. */
export function spawnOptions(owner: Owner | undefined) {
  return { cwd: '/', env: ENVIRONMENT, ...(owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }) }
}

/** What is worth showing of a program's output. */
export function lastLines(said: string, linesMax = 8): string {
  return said.trim().split('\n').slice(-linesMax).join('\n')
}
