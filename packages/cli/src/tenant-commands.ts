import { PROFILES, type ProfileId } from '@cimd/core'
import { Argument, type Command } from 'commander'
import { visibleName } from './arguments.ts'
import { DATABASE, define, type Finish, type Json } from './command.ts'
import { addQuotas } from './quotas.ts'
import { addStaleLimits } from './stale-limits.ts'
import {
  runTenantCreate,
  runTenantList,
  runTenantProfile,
  runTenantRemove,
  runTenantShow,
  type StoreDeps,
} from './tenant.ts'

/** The commands about tenants. */
export function addTenant(program: Command, store: StoreDeps, finish: Finish): void {
  const tenant = program
    .command('tenant')
    .description('make tenants, show and remove them, choose what each asks of a client')
  addCreate(tenant, store, finish)
  addProfile(tenant, store, finish)
  addStaleLimits(tenant, store, finish)
  addQuotas(tenant, store, finish)
  addViews(tenant, store, finish)
  addRemove(tenant, store, finish)
}

function addCreate(tenant: Command, store: StoreDeps, finish: Finish): void {
  define(tenant, 'create', 'make a tenant; one that is there already is left as it is', {
    examples: ['cimd tenant create my-tenant'],
    remark: DATABASE,
  })
    .addArgument(new Argument('<name>', 'its name').argParser(visibleName))
    .action((name: string, { json }: Json) => finish(runTenantCreate(store, { name, json })))
}

function addProfile(tenant: Command, store: StoreDeps, finish: Finish): void {
  define(tenant, 'profile', 'choose what more than the draft a tenant asks of a client', {
    examples: ['cimd tenant profile my-tenant mcp-2026-07-28'],
    remark: `${DATABASE}\nIt applies from the tenant's next request on.`,
  })
    .argument('<tenant>', 'which tenant')
    .addArgument(new Argument('<profile>', 'the profile').choices(Object.keys(PROFILES)))
    .action((name: string, profile: ProfileId, { json }: Json) =>
      finish(runTenantProfile(store, { name, profile, json })),
    )
}

function addViews(tenant: Command, store: StoreDeps, finish: Finish): void {
  define(tenant, 'list', 'list the tenants and how many working keys each has', {
    examples: ['cimd tenant list', 'cimd tenant list --json'],
    remark: DATABASE,
  }).action(({ json }: Json) => finish(runTenantList(store, { json })))
  define(tenant, 'show', 'show what a tenant has chosen', {
    examples: ['cimd tenant show my-tenant'],
    remark: DATABASE,
  })
    .argument('<tenant>', 'which tenant')
    .action((name: string, { json }: Json) => finish(runTenantShow(store, { name, json })))
}

type RemoveOptions = Json & { readonly yesDeleteEverythingOf: string }

function addRemove(tenant: Command, store: StoreDeps, finish: Finish): void {
  define(
    tenant,
    'remove',
    'remove a tenant with all its keys, uses, events, subscriptions and its audit, for good',
    {
      examples: ['cimd tenant remove my-tenant --yes-delete-everything-of my-tenant'],
      remark: `${DATABASE}\nNothing brings it back. Interrupted, it goes on when it is called again.`,
    },
  )
    .argument('<tenant>', 'which tenant')
    .requiredOption('--yes-delete-everything-of <tenant>', 'its name once more')
    .action((name: string, { yesDeleteEverythingOf: confirmed, json }: RemoveOptions) =>
      finish(runTenantRemove(store, { name, confirmed, json })),
    )
}
