import { setTimeout } from 'node:timers/promises'
import { DEADLINE_MS, startArena } from '../arena.ts'
import { type AttackRow, endedAsItMust } from '../attack-row.ts'
import { ATTACK_ROWS } from '../rows.ts'

// Tries the attacks that are named and tells as JSON, for each, whether it was held, or what came of it.

/** What has not ended by then never will. */
const PATIENCE_MS = DEADLINE_MS + 5000

const arena = await startArena()
const told: Record<string, string> = {}
for (const id of process.argv.slice(2)) {
  const row = ATTACK_ROWS.find((one) => one.id === id)
  told[id] = row === undefined ? 'no such attack' : await tried(row)
}
process.stdout.write(JSON.stringify(told))
process.exit()

async function tried(row: AttackRow): Promise<string> {
  const outcome = await Promise.race([row.run(arena), setTimeout(PATIENCE_MS)])
  if (outcome === undefined) return 'hung'
  return endedAsItMust(row, outcome) ? 'held' : outcome.codes.join(', ') || 'accepted'
}
