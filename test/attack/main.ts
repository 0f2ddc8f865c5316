import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startArena } from './arena.ts'
import { measureDefences, measureRows, measureVolleys } from './measure.ts'
import { replaceTables, type Tables, tablesOf } from './report.ts'

const USAGE = `npm run attack -- [--write]
  Attacks the guarded fetch with everything in test/attack, on loopback, and prints what became of it.
  Exits with 1 when anything did not end as it must.
  --write  puts the tables into docs/security.md`

const DOCUMENT = 'docs/security.md'

const flag = { type: 'boolean' } as const
const { values } = parseArgs({ options: { write: flag, help: flag } })
if (values.help) process.stdout.write(`${USAGE}\n`)
else await attack(values.write ?? false)

async function attack(write: boolean): Promise<void> {
  await using arena = await startArena()
  const rows = await measureRows(arena)
  const volleys = await measureVolleys(arena)
  const defences = await measureDefences()
  const measured: Tables = tablesOf({ rows, volleys, defences })
  process.stdout.write(`${measured.text}\n`)
  if (write) writeFileSync(DOCUMENT, replaceTables(readFileSync(DOCUMENT, 'utf8'), measured.text))
  if (measured.wrong.length === 0) return
  process.stderr.write(`\nnot as it must be:\n${measured.wrong.map((line) => `  ${line}`).join('\n')}\n`)
  process.exitCode = 1
}
