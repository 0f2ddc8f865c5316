import { parseQuotas, QUOTA_NAMES, type StoredQuotas } from '@cimd/core'
import { clearQuotas, type Db, findQuotas, setQuotas } from '@cimd/store'
import type { Command } from 'commander'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { type ExitCode, UsageError } from './exit-code.ts'
import { say, sayFacts, sayJson } from './print.ts'
import { type StoreDeps, setForTenant, unknownTenant } from './tenant.ts'

type QuotasOptions = Json & { readonly set?: readonly string[]; readonly clear?: boolean }

/** `cimd tenant quotas`. */
export function addQuotas(tenant: Command, store: StoreDeps, finish: Finish): void {
  define(tenant, 'quotas', 'choose how much of the registrar a tenant may use', {
    examples: [
      'cimd tenant quotas my-tenant',
      'cimd tenant quotas my-tenant --set contacts_per_hour=50000 clients=500000',
      'cimd tenant quotas my-tenant --clear',
    ],
    remark:
      `The quotas: ${QUOTA_NAMES.join(', ')}.\n` +
      "Those that are not set are the deployment's: docs/configuration.md. They hold from the tenant's next request on.\n" +
      DATABASE,
  })
    .argument('<tenant>', 'which tenant')
    .option('--set <name=value...>', 'quotas of its own; the others stay as they are')
    .option('--clear', 'no quotas but those of the deployment')
    .action((name: string, { set = [], clear = false, json }: QuotasOptions) =>
      finish(runQuotas(store, { name, set, clear, json })),
    )
}

/** Sets, removes or shows the quotas of a tenant that are other than the deployment's. */
async function runQuotas(
  { output, withStore }: StoreDeps,
  args: {
    readonly name: string
    readonly set: readonly string[]
    readonly clear: boolean
    readonly json: boolean | undefined
  },
): Promise<ExitCode> {
  const { name, set, clear, json } = args
  if (clear && set.length > 0) throw new UsageError('--clear goes with no --set')
  const given = quotasFrom(set)
  const quotas = await withStore((db) => apply(db, name, given, clear))
  if (quotas === undefined) throw unknownTenant(name)
  const entries = Object.entries(quotas)
  if (json) sayJson(output, { name, quotas })
  else if (entries.length === 0) say(output, `The tenant "${name}" has no quotas of its own.`)
  else {
    say(output, `The tenant "${name}" has quotas of its own:`)
    sayFacts(
      output,
      entries.map(([quota, bound]) => [quota, String(bound)] as const),
    )
  }
  return 0
}

function quotasFrom(set: readonly string[]): StoredQuotas {
  const pairs = set.map((text) => {
    const [, name = '', value = ''] = /^([^=]*)=(\d{1,10})$/.exec(text) ?? []
    if (name === '') throw new UsageError(`"${text}" is no name=value with a whole number`)
    return [name, Number(value)] as const
  })
  const parsed = parseQuotas(Object.fromEntries(pairs))
  if (parsed.ok) return parsed.quotas
  throw new UsageError(`${parsed.problems.join('; ')} (the quotas: ${QUOTA_NAMES.join(', ')})`)
}

function apply(db: Db, name: string, given: StoredQuotas, clear: boolean): Promise<object | undefined> {
  if (!clear && Object.keys(given).length === 0) return findQuotas(db, name)
  return setForTenant(db, { name, settings: ['quotas'] }, (trx) =>
    clear ? clearQuotas(trx, name) : setQuotas(trx, name, given),
  )
}
