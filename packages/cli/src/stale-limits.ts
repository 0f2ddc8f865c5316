import type { StaleLimits } from '@cimd/core'
import { clearStaleLimits, type Db, findStaleLimits, setStaleLimits } from '@cimd/store'
import type { Command } from 'commander'
import { wholeNumber } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { formatSeconds, say, sayFacts, sayJson } from './print.ts'
import { type StoreDeps, setForTenant, unknownTenant } from './tenant.ts'

type StaleLimitsOptions = Json & StaleLimits & { readonly none?: boolean }

/** `cimd tenant stale-limits`. */
export function addStaleLimits(tenant: Command, store: StoreDeps, finish: Finish): void {
  define(tenant, 'stale-limits', 'choose how long a tenant uses a client that cannot be confirmed', {
    examples: [
      'cimd tenant stale-limits my-tenant',
      'cimd tenant stale-limits my-tenant --unreachable 3600 --ambiguous 600',
      'cimd tenant stale-limits my-tenant --withdrawn 0 --rejected 0',
      'cimd tenant stale-limits my-tenant --none',
    ],
    remark:
      "Seconds from the first failure of a run, or from the publisher's word. A limit only ever shortens what is allowed to\n" +
      "all, and counts for graver classes too. They apply from the tenant's next request on.\n" +
      DATABASE,
  })
    .argument('<tenant>', 'which tenant')
    .option('--unreachable <seconds>', 'through an outage of the origin (86400)', wholeNumber)
    .option('--ambiguous <seconds>', 'while a gate may be answering for it (3600)', wholeNumber)
    .option('--withdrawn <seconds>', 'once its publisher took it back (900)', wholeNumber)
    .option('--rejected <seconds>', 'once its publisher made it invalid (900)', wholeNumber)
    .option('--none', 'no limits but those of the deployment')
    .action((name: string, { none = false, json, ...limits }: StaleLimitsOptions) =>
      finish(runStaleLimits(store, { name, limits, none, json })),
    )
}

/** Sets, removes or shows the stale use a tenant wants at most (CAC-13). */
async function runStaleLimits(
  { output, withStore }: StoreDeps,
  args: {
    readonly name: string
    readonly limits: StaleLimits
    readonly none: boolean
    readonly json: boolean | undefined
  },
): Promise<ExitCode> {
  const { name, limits, none, json } = args
  if (none && Object.keys(limits).length > 0) throw new UsageError('--none goes with no limit')
  const set = await withStore(async (db) => {
    if ((await findStaleLimits(db, name)) === undefined) throw unknownTenant(name)
    return applyLimits(db, name, limits, none)
  })
  if (set === undefined) throw new Error(`the policy of "${name}" says its limits: cimd policy put ${name}`)
  const entries = Object.entries(set)
  if (json) sayJson(output, { name, stale_limits: set })
  else if (entries.length === 0) say(output, `The tenant "${name}" has no limits of its own.`)
  else {
    say(output, `The tenant "${name}" uses a client that cannot be confirmed for at most`)
    sayFacts(
      output,
      entries.map(([failureClass, seconds]) => [failureClass, formatSeconds(seconds)] as const),
    )
  }
  return 0
}

function applyLimits(
  db: Db,
  name: string,
  limits: StaleLimits,
  none: boolean,
): Promise<StaleLimits | undefined> {
  if (!none && Object.keys(limits).length === 0) return findStaleLimits(db, name)
  return setForTenant(db, { name, settings: ['stale_limits'] }, (trx) =>
    none ? clearStaleLimits(trx, name) : setStaleLimits(trx, name, limits),
  )
}
