import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DEFENCES, type Defence } from './defences.ts'

const run = promisify(execFile)
const TRY_ROWS = fileURLToPath(new URL('processes/try-rows.ts', import.meta.url))
const WITHOUT = new URL('without-defence.ts', import.meta.url).href

/** What becomes of the attack of every defence while all stand, by the attack's id. */
export async function tryWithAll(): Promise<Readonly<Record<string, string>>> {
  const { stdout } = await run(process.execPath, [TRY_ROWS, ...DEFENCES.map(({ row }) => row)])
  return JSON.parse(stdout)
}

/** What becomes of a defence's attack without it: `held`, or what went wrong. */
export async function tryWithout({ name, row }: Defence): Promise<string> {
  const { stdout } = await run(process.execPath, ['--import', WITHOUT, TRY_ROWS, row], {
    env: { ...process.env, CIMD_WITHOUT_DEFENCE: name },
  })
  return JSON.parse(stdout)[row]
}
