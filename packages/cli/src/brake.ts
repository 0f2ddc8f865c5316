import {
  type BrakeCount,
  type BrakeStatus,
  countBrakeFacts,
  countEndingCodes,
  type EndingClient,
  type EndingCode,
  engageBrakeByHand,
  listEnding,
  readBrake,
  releaseAccepting,
  releaseMended,
} from '@cimd/store'
import type { ExitCode } from './exit-code.ts'
import { formatCount, formatInstant, type Output, say, sayFacts, sayJson, sayTable } from './print.ts'
import type { StoreDeps } from './tenant.ts'

type Counted = Extract<BrakeCount, { readonly facts: unknown }>

type Shown = {
  readonly status: BrakeStatus
  readonly count: Counted
  readonly codes: readonly EndingCode[]
  readonly clients: readonly EndingClient[]
}

/** Shows the brake, what it counts or holds, and by name as many of these clients as `limit` says. */
export async function runBrakeShow(
  { output, withStore }: StoreDeps,
  { limit, json }: { readonly limit: number; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const shown = await withStore(async (db): Promise<Shown> => {
    const status = await readBrake(db)
    const count = await countBrakeFacts(db)
    const from = status.engaged?.heldFrom
    const codes = await countEndingCodes(db, from)
    return { status, count, codes, clients: await listEnding(db, from, limit) }
  })
  if (json) sayJson(output, bodyOf(shown))
  else sayBrake(output, shown)
  return 0
}

/** Releases the brake; that it was not engaged is an error, since somebody else may have decided otherwise. */
export async function runBrakeRelease(
  deps: StoreDeps,
  { accept, json }: { readonly accept: boolean; readonly json: boolean | undefined },
): Promise<ExitCode> {
  await (accept ? acceptFindings(deps, json) : dropFindings(deps, json))
  return 0
}

async function acceptFindings({ output, withStore }: StoreDeps, json: boolean | undefined): Promise<void> {
  const clients = await withStore(releaseAccepting)
  if (clients === undefined) throw new Error('the brake is not engaged')
  if (json) sayJson(output, { released: true, accepted: true, clients })
  else say(output, `Released. What was found about ${formatCount(clients, 'client')} takes effect.`)
}

async function dropFindings({ output, withStore }: StoreDeps, json: boolean | undefined): Promise<void> {
  const release = await withStore(releaseMended)
  if (release.kind === 'not_engaged') throw new Error('the brake is not engaged')
  const { clients, resources } = release
  const dropped = formatDropped(clients, resources)
  if (release.kind === 'overtaken') {
    throw new Error(
      `somebody else has released the brake or engaged it anew meanwhile: what was found about ${dropped} was dropped before that, and all are fetched now; cimd brake shows how it stands`,
    )
  }
  if (json) sayJson(output, { released: true, accepted: false, clients, resources })
  else
    say(
      output,
      `Released. What was found about ${dropped} counts only if it is found again; all are fetched now.`,
    )
}

function formatDropped(clients: number, resources: number): string {
  const linked = resources === 1 ? '1 key set or logo' : `${resources} key sets and logos`
  if (resources === 0) return formatCount(clients, 'client')
  return clients === 0 ? linked : `${formatCount(clients, 'client')} and ${linked}`
}

/** Engages the brake before counting does. */
export async function runBrakeEngage(
  { output, withStore }: StoreDeps,
  { reason, json }: { readonly reason: string; readonly json: boolean | undefined },
): Promise<ExitCode> {
  const engaged = await withStore((db) => engageBrakeByHand(db, reason))
  if (!engaged) throw new Error('the brake is engaged already: cimd brake shows why')
  if (json) sayJson(output, { engaged: true, reason })
  else say(output, 'Engaged. What was found within the last hour and from now on ends no client.')
  return 0
}

function sayBrake(output: Output, { status, count, codes, clients }: Shown): void {
  sayFacts(output, [...statusFacts(status), ...countFacts(count, status.engaged)])
  if (codes.length > 0) {
    say(output)
    const rows = codes.map(({ code, clients, hosts }) => [code, String(clients), String(hosts)])
    sayTable(output, ['FOUND', 'CLIENTS', 'HOSTS'], rows)
  }
  sayClients(output, codes, clients)
  if (status.engaged === undefined) return
  say(output)
  say(output, 'The fault was ours and is mended: cimd brake release')
  say(output, 'What was found is true:           cimd brake release --accept')
}

function sayClients(output: Output, codes: Shown['codes'], clients: Shown['clients']): void {
  if (clients.length === 0) return
  say(output)
  const rows = clients.map((one) => [
    ...[one.clientId, one.code, formatInstant(one.since), one.inUse ? 'yes' : 'no'],
  ])
  sayTable(output, ['CLIENT_ID', 'FOUND', 'SINCE', 'IN USE'], rows)
  const left = codes.reduce((sum, code) => sum + code.clients, 0) - clients.length
  if (left > 0) say(output, `and ${left} more: --limit tells more`)
}

function countFacts(
  { facts, held }: Counted,
  engaged: BrakeStatus['engaged'],
): (readonly [string, string])[] {
  const { inUse, ending, failingCanaries } = facts
  const found = engaged ? `since ${formatInstant(engaged.heldFrom)}` : 'within the last hour'
  const ends = held.firstEndsAt && `, a day at most: the first until ${formatInstant(held.firstEndsAt)}`
  return [
    ['in use', formatCount(inUse, 'client')],
    ['ending', `${formatCount(ending, 'client')} in use, by what was found ${found}`],
    ...(engaged ? [['held', `${formatCount(held.clients, 'client')} of these${ends ?? ''}`] as const] : []),
    ...(failingCanaries > 0 ? [['canaries', `${failingCanaries} of them would end`] as const] : []),
  ]
}

function statusFacts({ engaged, disarmedUntil }: BrakeStatus): (readonly [string, string])[] {
  if (engaged !== undefined) {
    return [
      ['brake', `engaged since ${formatInstant(engaged.engagedAt)}`],
      ['reason', engaged.reason],
      ['holds', `what was found since ${formatInstant(engaged.heldFrom)}`],
    ]
  }
  const disarmed = disarmedUntil && `; counting engages nothing until ${formatInstant(disarmedUntil)}`
  return [['brake', `not engaged${disarmed ?? ''}`]]
}

function bodyOf({ status: { engaged, disarmedUntil }, count: { facts, held }, codes, clients }: Shown) {
  return {
    engaged: engaged !== undefined,
    engaged_at: engaged?.engagedAt ?? null,
    held_from: engaged?.heldFrom ?? null,
    reason: engaged?.reason ?? null,
    disarmed_until: disarmedUntil ?? null,
    clients_in_use: facts.inUse,
    clients_ending: facts.ending,
    clients_held: held.clients,
    first_hold_ends_at: held.firstEndsAt ?? null,
    canaries_failing: facts.failingCanaries,
    found: codes,
    clients: clients.map((one) => ({
      ...{ client_id: one.clientId, code: one.code, since: one.since, in_use: one.inUse },
    })),
  }
}
