import type { Arena, Outcome } from './arena.ts'
import { type AttackRow, endedAsItMust } from './attack-row.ts'
import { BEHAVIOURS } from './behaviours.ts'
import { DEFENCES, type Defence } from './defences.ts'
import type { VolleyReport } from './processes/volley.ts'
import { RESOLVER_ZONES } from './resolver-rows.ts'
import { ATTACK_ROWS } from './rows.ts'
import { tryWithAll, tryWithout } from './try-defences.ts'
import { startVolleys, VOLLEY_BEHAVIOURS } from './volleys.ts'

/** An attack and what became of it. */
export type MeasuredRow = { readonly row: AttackRow; readonly outcome: Outcome; readonly asItMust: boolean }
/** A hundred at once from one kind of server, or by one kind of name server. */
export type MeasuredVolley = {
  readonly name: string
  readonly layer: string
  readonly report: VolleyReport
}
/** What came of a defence's attack, with the defence and without. */
export type MeasuredDefence = { readonly defence: Defence; readonly with: string; readonly without: string }

/** Every attack, one after the other, so that times are those of the attack alone. */
export async function measureRows(arena: Arena): Promise<readonly MeasuredRow[]> {
  const measured: MeasuredRow[] = []
  for (const row of ATTACK_ROWS) {
    const outcome = await row.run(arena)
    measured.push({ row, outcome, asItMust: endedAsItMust(row, outcome) })
  }
  return measured
}

/** A volley at every server, and one by every name server. */
export async function measureVolleys(arena: Arena): Promise<readonly MeasuredVolley[]> {
  await using volleys = await startVolleys(arena)
  const measured: MeasuredVolley[] = []
  for (const behaviour of VOLLEY_BEHAVIOURS) {
    const { layer } = BEHAVIOURS[behaviour]
    measured.push({ name: behaviour, layer, report: await volleys.fire(behaviour) })
  }
  for (const [name, , zone] of RESOLVER_ZONES) {
    measured.push({ name: `resolver-${name}`, layer: 'dns', report: await volleys.fireBy(zone) })
  }
  return measured
}

/** Every defence taken out in turn. */
export async function measureDefences(): Promise<readonly MeasuredDefence[]> {
  const withAll = await tryWithAll()
  const measured: MeasuredDefence[] = []
  for (const defence of DEFENCES) {
    measured.push({ defence, with: withAll[defence.row] ?? '', without: await tryWithout(defence) })
  }
  return measured
}
