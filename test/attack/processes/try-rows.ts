import { setTimeout } from 'node:timers/promises'
import { DEADLINE_MS, startArena } from '../arena.ts'
import { type AttackRow, endedAsItMust, isCutOff } from '../attack-row.ts'
import { ATTACK_ROWS } from '../rows.ts'

// Tries the attacks that are named and tells as JSON, for each, whether it was held, or what came of it.

/** What has not ended by then never will. */
const PATIENCE_MS = DEADLINE_MS + 14_000

/** How often what a busy machine has cut off is tried again. */
const AGAIN_MAX = 4

const arena = await startArena()
const told: Record<string, string> = {}
for (const id of process.argv.slice(2)) {
  const row = ATTACK_ROWS.find((one) => one.id === id)
  told[id] = row === undefined ? 'no such attack' : await tried(row)
}
process.stdout.write(JSON.stringify(told))
process.exit()

async function tried(row: AttackRow): Promise<string> {
  const tryOnce = () => Promise.race([row.run(arena), setTimeout(PATIENCE_MS)])
  let outcome = await tryOnce()
  for (let again = 0; again < AGAIN_MAX && outcome !== undefined && isCutOff(row, outcome); again += 1) {
    outcome = await tryOnce()
  }
  if (outcome === undefined) return 'hung'
  return endedAsItMust(row, outcome) ? 'held' : outcome.codes.join(', ') || 'accepted'
}
